#!/bin/sh
# Makes certificates for what the nodes of a cluster say to each other: an
# authority for them alone, and one certificate a node, for mutual TLS.
#
#     peer-certs.sh DIR NAME[,NAME…]…
#
# The names of a node, separated by commas, are the host names and IP addresses by
# which the others reach it; its first name is also its folder in DIR, with
# tls.crt, tls.key and ca.crt. Run again, it makes certificates from the authority
# that is there; nodes read them again by themselves. DIR/ca.key signs nodes into
# the cluster: keep it where no node is.
set -eu
umask 077
if [ $# -lt 2 ]; then
    echo "usage: $0 DIR NAME[,NAME...]..." >&2
    exit 2
fi
dir=$1
shift
ca_days=3650
days=${DAYS:-365}
mkdir -p "$dir"

if [ ! -f "$dir/ca.key" ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$dir/ca.key"
    openssl req -x509 -new -sha256 -key "$dir/ca.key" -days "$ca_days" -subj "/CN=Pemba peers" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$dir/ca.crt"
fi

for names in "$@"; do
    node=${names%%,*}
    san=""
    for name in $(echo "$names" | tr , ' '); do
        case $name in
        *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) san="$san,IP:$name" ;;
        *) san="$san,DNS:$name" ;;
        esac
    done
    # A wildcard is no name for a folder.
    case $node in '*.'*) node=${node#'*.'} ;; esac
    mkdir -p "$dir/$node"
    cat >"$dir/$node/extensions" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=${san#,}
END
    # New files take the place of old ones whole: a node may read meanwhile.
    openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$node/tls.key.new"
    openssl req -new -sha256 -key "$dir/$node/tls.key.new" -subj "/CN=$node" -out "$dir/$node/request"
    openssl x509 -req -sha256 -in "$dir/$node/request" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -days "$days" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$dir/$node/extensions" -out "$dir/$node/tls.crt.new" 2>/dev/null
    cp "$dir/ca.crt" "$dir/$node/ca.crt"
    mv "$dir/$node/tls.key.new" "$dir/$node/tls.key"
    mv "$dir/$node/tls.crt.new" "$dir/$node/tls.crt"
    rm "$dir/$node/request" "$dir/$node/extensions"
    # The user of the container reads them; DIR itself is its owner's alone.
    chmod 755 "$dir/$node"
    chmod 644 "$dir/$node"/*
done
