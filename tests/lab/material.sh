# What the lab's nodes are made of: certificates, accounts, rosters. Sourced by tests/lab/lab.
#
# Everything is written below $LAB_DIR, once; a later start finds it there.

# --- certificates ---------------------------------------------------------------------------------

# sha256//BASE64 of a private key's public half: the form that curl and boshgate take.
pin_of() { # KEY
    printf 'sha256//%s' "$(openssl pkey -in "$1" -pubout -outform DER \
        | openssl dgst -sha256 -binary | openssl base64)"
}

# A certificate for the names in SAN, signed by itself or by the lab's authority.
make_certificate() { # NAME COMMON_NAME SAN self|ca
    local base=$LAB_DIR/certs/$1 signer=()
    [[ $4 == self ]] || signer=(-CA "$LAB_DIR/certs/ca.pem" -CAkey "$LAB_DIR/certs/ca.key")
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
        -subj "/CN=$2" -addext "subjectAltName=$3" -addext "basicConstraints=critical,CA:FALSE" \
        "${signer[@]}" -keyout "$base.key" -out "$base.pem"
    pin_of "$base.key" > "$base.pin"
}

# Which signature a node has: the stand-ins sign for themselves, as CUP does; ejabberd's is the
# authority's.
signer_of() { # NODE
    if [[ $LAB_CERTS != mixed ]]; then
        echo "$LAB_CERTS"
    elif [[ $(make_of "$1") == ejabberd ]]; then
        echo ca
    else
        echo self
    fi
}

make_certificates() {
    local certs=$LAB_DIR/certs made_for="$LAB_NET $LAB_CERTS" node
    if [[ -f $certs/made_for && $(<"$certs/made_for") == "$made_for" ]] \
        && openssl x509 -noout -checkend 86400 -in "$certs/ca.pem" > "$LAB_DIR/log" 2>&1; then
        return
    fi
    rm -rf "$certs"
    (umask 077 && mkdir -p "$certs")
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
        -subj "/CN=boshgate lab authority" -addext "basicConstraints=critical,CA:TRUE" \
        -keyout "$certs/ca.key" -out "$certs/ca.pem"
    for node in "${ALL_NODES[@]}"; do
        make_certificate "$node" "$node.$LAB_DOMAIN" \
            "DNS:$node.$LAB_DOMAIN,DNS:$node,IP:$(address_of "$node")" "$(signer_of "$node")"
    done
    make_certificate proxy localhost \
        "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1,IP:$LAB_NET.1" ca
    printf '%s' "$made_for" > "$certs/made_for"
}

# --- accounts -------------------------------------------------------------------------------------

# accounts/: Prosody's data store, the table of mod_cup_nodes, what fills ejabberd, and a plain
# list.
make_accounts() {
    local addresses="" node
    for node in "${ALL_NODES[@]}"; do addresses+="$node $(address_of "$node") "; done
    rm -rf "$LAB_DIR/accounts"
    mkdir -p "$LAB_DIR/accounts/prosody/${LAB_DOMAIN//./%2e}"/{accounts,roster}
    awk -v out="$LAB_DIR/accounts" -v domain="$LAB_DOMAIN" -v addresses="$addresses" \
        -f "$LAB_SOURCE_DIR/accounts.awk" "$LAB_SOURCE_DIR/accounts.txt"
}
