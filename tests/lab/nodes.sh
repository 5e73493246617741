# The lab's server processes: start, wait, signal, stop. Sourced by tests/lab/lab.
#
# A node's folder is $LAB_DIR/nodes/NODE: data, log (the server's own), output (its stdout and
# stderr) and pid, which holds the process id and its start time, so that a reused id is never
# signalled.

node_dir() { echo "$LAB_DIR/nodes/$1"; } # NODE

# --- processes ------------------------------------------------------------------------------------

# When a process started, in clock ticks since boot: field 22 of stat(5), counted after the name's
# ")".
start_time_of() { # PID
    local stat
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
    set -- ${stat##*) }
    echo "${20}"
}

# The process id of a running node; fails if it does not run.
pid_of() { # NODE
    local pid started state
    { read -r pid started < "$(node_dir "$1")/pid"; } 2> /dev/null || return 1
    [[ $(start_time_of "$pid") == "$started" ]] || return 1
    # A dead child that nobody has waited for yet does not run any more.
    state=$(awk '/^State:/ { print $2 }' "/proc/$pid/status" 2> /dev/null)
    [[ -n $state && $state != Z ]] || return 1
    echo "$pid"
}

state_of() { # NODE
    local pid
    pid=$(pid_of "$1") || { echo down; return; }
    case $(awk '/^State:/ { print $2 }' "/proc/$pid/status" 2> /dev/null) in
        T) echo frozen ;;
        "") echo down ;;
        *) echo up ;;
    esac
}

signal_node() { # SIGNAL NODE
    local pid
    pid=$(pid_of "$2") || fail "$2 does not run"
    kill -s "$1" "$pid"
}

# Waits until the nodes' processes are gone, SECONDS at most; fails if one is left.
wait_gone() { # SECONDS NODE...
    local tries=$(($1 * 20)) node
    shift
    for node in "$@"; do
        while pid_of "$node" > /dev/null; do
            ((tries-- > 0)) || return 1
            sleep 0.05
        done
    done
}

stop_nodes() { # NODE...
    local node pid running=()
    for node in "$@"; do
        pid=$(pid_of "$node") || continue
        running+=("$node")
        # A frozen process gets the TERM only when it runs again.
        kill -s TERM "$pid" 2> /dev/null && kill -s CONT "$pid" 2> /dev/null || true
    done
    if ((${#running[@]})) && ! wait_gone 5 "${running[@]}"; then
        for node in "${running[@]}"; do
            pid=$(pid_of "$node") && kill -s KILL "$pid" 2> /dev/null || true
        done
        wait_gone 5 "${running[@]}" || fail "a process survived SIGKILL: see '$0 status $LAB_DIR'"
    fi
    for node in "$@"; do rm -f "$(node_dir "$node")/pid"; done
}

# --- start ----------------------------------------------------------------------------------------

# Runs a server in the background, in a session of its own, so that the terminal's Ctrl-C does not
# reach it.
spawn() { # NODE COMMAND...
    local dir pid
    dir=$(node_dir "$1")
    setsid "${@:2}" < /dev/null > "$dir/output" 2>&1 8>&- 9>&- &
    pid=$!
    disown "$pid"
    echo "$pid $(start_time_of "$pid")" > "$dir/pid"
}

start_prosody() { # NODE
    export LAB_CERTIFICATE=$LAB_DIR/certs/$1.pem LAB_KEY=$LAB_DIR/certs/$1.key
    if [[ ! -d $LAB_NODE_DIR/data ]]; then
        cp -r "$LAB_DIR/accounts/prosody" "$LAB_NODE_DIR/data"
    fi
    spawn "$1" prosody --config "$LAB_SOURCE_DIR/prosody.cfg.lua" -F
}

# Plain `erl` instead of ejabberdctl: that one insists on the package's user and folders. Without
# -name the virtual machine is not distributed: it opens no port beside ours and needs no epmd.
start_ejabberd() { # NODE
    local dir=$LAB_NODE_DIR libraries
    cat "$LAB_DIR/certs/$1.pem" "$LAB_DIR/certs/$1.key" > "$dir/tls.pem"
    sed -e "s|@DOMAIN@|$LAB_DOMAIN|; s|@NODE_DIR@|$dir|; s|@ADDRESS@|$LAB_ADDRESS|" \
        -e "s|@HTTP_PORT@|$LAB_HTTP_PORT|; s|@HTTPS_PORT@|$LAB_HTTPS_PORT|" \
        -e "s|@BOSH_PATH@|$LAB_BOSH_PATH|; s|@INACTIVITY@|$LAB_INACTIVITY|" \
        -e "s|@LOG_LEVEL@|${LAB_LOG_LEVEL/#warn/warning}|" \
        "$LAB_SOURCE_DIR/ejabberd.yml.in" > "$dir/ejabberd.yml"
    rm -f "$dir/accounts_ready"
    mkdir -p "$dir/data"
    libraries=$(dpkg -L ejabberd | sed -n 's|/[^/]*/ebin/ejabberd\.app$||p')
    # One scheduler, which does not spin while it waits: the other nodes and the tests want the
    # processor too.
    ERL_LIBS=$libraries EJABBERD_CONFIG_PATH=$dir/ejabberd.yml EJABBERD_LOG_PATH=$dir/log \
        HOME=$dir ERL_CRASH_DUMP_BYTES=0 \
        spawn "$1" erl +K true +S 1 +sbwt none +sbwtdcpu none +sbwtdio none -noinput \
        -mnesia dir "\"$dir/data\"" -s ejabberd \
        -eval "ok = file:eval(\"$LAB_SOURCE_DIR/ejabberd_accounts.erl\")"
}

launch() { # NODE
    pid_of "$1" > /dev/null && fail "$1 runs already"
    export LAB_NODE_DIR LAB_ADDRESS
    LAB_NODE_DIR=$(node_dir "$1")
    LAB_ADDRESS=$(address_of "$1")
    mkdir -p "$LAB_NODE_DIR"
    rm -f "$LAB_NODE_DIR/log"
    case $(make_of "$1") in
        ejabberd) start_ejabberd "$1" ;;
        Prosody) start_prosody "$1" ;;
    esac
}

# --- readiness ------------------------------------------------------------------------------------

# Opens a BOSH session and ends it. Only our own node can answer over TLS: the key is pinned.
answers_bosh() { # NODE URL
    local url=$2 rid=$((RANDOM + 1000)) answer sid
    local post=(curl -sS --noproxy '*' --max-time 3 -k --pinnedpubkey "$(<"$LAB_DIR/certs/$1.pin")"
        -H 'Content-Type: text/xml' "$url" --data-binary)
    answer=$("${post[@]}" "<body xmlns='http://jabber.org/protocol/httpbind' to='$LAB_DOMAIN' \
rid='$rid' wait='1' hold='1' ver='1.6' xml:lang='en' xmlns:xmpp='urn:xmpp:xbosh' \
xmpp:version='1.0'/>" 2> /dev/null) || return 1
    [[ $answer =~ sid=[\"\']([^\"\']+)[\"\'] && $answer != *type=?terminate* ]] || return 1
    sid=${BASH_REMATCH[1]}
    "${post[@]}" "<body xmlns='http://jabber.org/protocol/httpbind' sid='$sid' rid='$((rid + 1))' \
type='terminate'/>" > /dev/null 2>&1 || true
}

is_ready() { # NODE
    local dir
    dir=$(node_dir "$1")
    [[ $(make_of "$1") != ejabberd || -e $dir/accounts_ready ]] \
        && answers_bosh "$1" "$(https_url "$1")" && answers_bosh "$1" "$(http_url "$1")"
}

# Waits until every node answers; says which one does not, shows the end of its log, and leaves none
# running. Two seconds are usual, but ejabberd needs as much of a processor, and builds may run
# beside us.
wait_ready_or_stop() { # NODE...
    local node waiting=("$@") still began=$EPOCHREALTIME deadline=$((SECONDS + 180))
    while ((${#waiting[@]})); do
        still=()
        for node in "${waiting[@]}"; do
            if is_ready "$node"; then
                say "$(printf '%-9s ready after %4.1f s   %s' "$node" \
                    "$(awk "BEGIN { print $EPOCHREALTIME - $began }")" "$(https_url "$node")")"
            elif has_failed "$node" || ((SECONDS > deadline)); then
                tail -n 15 "$(node_dir "$node")"/{output,log} >&2 || true
                stop_nodes "$@"
                fail "$node did not come up; its files are in $(node_dir "$node")"
            else
                still+=("$node")
            fi
        done
        waiting=("${still[@]}")
        ((${#waiting[@]} == 0)) || sleep 0.1
    done
}

# A node that will not become ready: it ended, or somebody else has its port.
has_failed() { # NODE
    pid_of "$1" > /dev/null || return 0
    if grep -q 'Failed to open server port\|Failed to open socket' \
        "$(node_dir "$1")/log" 2> /dev/null; then
        say "a port of $(address_of "$1") is taken: does another lab run there?" \
            "LAB_NET=auto finds a free net"
        return 0
    fi
    return 1
}
