# accounts.txt -> what each make of server reads, below the folder `out`:
#   list                     USER PASSWORD GROUP HOME BACKUP, one a line, ranges written out
#   cup_nodes.cfg.lua        the table of mod_cup_nodes
#   ejabberd.terms           for ejabberd_accounts.erl
#   prosody/DOMAIN/...       Prosody's data store
# Variables: out, domain, addresses ("NODE ADDRESS NODE ADDRESS ...").

BEGIN {
    words = split(addresses, word, " ")
    for (i = 1; i < words; i += 2) address["ip:" word[i]] = word[i + 1]
    store = domain
    gsub(/\./, "%2e", store)
    store = out "/prosody/" store
}

/^#/ || NF == 0 { next }

NF != 4 || ($3 ~ /^ip:/ && !($3 in address)) || ($4 ~ /^ip:/ && !($4 in address)) {
    print FILENAME ":" FNR ": expected USER GROUP HOME BACKUP, home and backup a name, - or ip:NODE" > "/dev/stderr"
    failed = 1
    exit 1
}

$1 ~ /\.\./ {
    split($1, range, /\.\./)
    stem = range[1]
    sub(/[0-9]+$/, "", stem)
    first = substr(range[1], length(stem) + 1) + 0
    for (i = first; i <= range[2] + 0; i++) add(stem i, i % 2 ? stem (i + 1) : stem (i - 1))
    next
}

{ add($1, "") }

function add(name, partner) {
    users[++count] = name
    group[name] = $2
    home[name] = $3 in address ? address[$3] : $3
    backup[name] = $4 in address ? address[$4] : $4
    partner_of[name] = partner
}

# The names in a user's roster, as an array 1..n; returns n.
function contacts(name, into,    i, n) {
    if (partner_of[name] != "") {
        into[1] = partner_of[name]
        return 1
    }
    for (i = 1; i <= count; i++)
        if (users[i] != name && group[users[i]] == group[name]) into[++n] = users[i]
    return n
}

function display(name) { return toupper(substr(name, 1, 1)) substr(name, 2) }

END {
    if (failed) exit 1
    print "cup_nodes = {" > (out "/cup_nodes.cfg.lua")
    for (i = 1; i <= count; i++) write_user(users[i])
    print "}" > (out "/cup_nodes.cfg.lua")
}

function write_user(name,    password, nodes, n, i, contact, roster, terms, file) {
    password = name "-secret"
    print name, password, group[name], home[name], backup[name] > (out "/list")

    if (home[name] != "-") {
        nodes = "\"" home[name] "\""
        if (backup[name] != "-") nodes = nodes ", \"" backup[name] "\""
        print "    " name " = { " nodes " };" > (out "/cup_nodes.cfg.lua")
    }

    n = contacts(name, contact)
    for (i = 1; i <= n; i++) {
        roster = roster "    [\"" contact[i] "@" domain "\"] = { name = \"" display(contact[i]) "\"," \
            " subscription = \"both\", groups = { [\"" group[name] "\"] = true } };\n"
        terms = terms (i > 1 ? ", " : "") "{<<\"" contact[i] "\">>, <<\"" display(contact[i]) "\">>}"
    }
    print "{<<\"" name "\">>, <<\"" password "\">>, <<\"" group[name] "\">>, [" terms "]}." > (out "/ejabberd.terms")

    file = store "/accounts/" name ".dat"
    print "return { password = \"" password "\" };" > file
    close(file)
    file = store "/roster/" name ".dat"
    printf "return {\n%s};\n", roster > file
    close(file)
}
