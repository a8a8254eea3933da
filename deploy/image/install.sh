#!/bin/sh
# Installs Bulkhead on a node, below its mounted root directory, or takes it away again. In an image that deploy/image/build
# has made, or anywhere by hand: HOST=/mnt SOURCE=DIR install.sh install
#
#   install     copies the programs to /opt/bulkhead, links them in /usr/local/bin, has containerd know them
#   uninstall   undoes that; refused while pods of Bulkhead run
#   label       sets the node's label bulkhead/installed=true; unlabel removes it
#   stay        does nothing; stay label: labels again each ten minutes
#
# It may be killed at any point and run again: everything is written aside and renamed, and the next run goes on. containerd is
# restarted only when its configuration has changed. For a POSIX shell, busybox's too.
set -eu
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Where the node's root is, and what is to be installed: files/, version, sums, containerd/.
HOST=${HOST:-/host}
SOURCE=${SOURCE:-/opt/bulkhead}
# A process of the node, in whose mount namespace its programs are called. Without one they are in a chroot.
HOST_PROCESS=${HOST_PROCESS:-}
# As the node sees them.
CONTAINERD_CONFIG=${CONTAINERD_CONFIG:-/etc/containerd/config.toml}
CONTAINERD_DROP_INS=${CONTAINERD_DROP_INS:-/etc/containerd/conf.d}
CONTAINERD_SERVICE=${CONTAINERD_SERVICE:-containerd}
QEMU=${QEMU:-/usr/bin/qemu-system-x86_64}
QEMU_DATA=${QEMU_DATA:-/usr/share/seabios/bios-256k.bin /usr/share/qemu/pvh.bin}
# The node's processes.
PROC=${PROC:-/proc}

PLACE=/opt/bulkhead
LINKS=/usr/local/bin
NAMES="bulkhead bulkhead-runtime containerd-shim-bulkhead-v2"
BEGIN="# BEGIN bulkhead: written by its install.sh, which replaces all of this"
END="# END bulkhead"

root=$HOST$PLACE
config=$HOST$CONTAINERD_CONFIG
dropin=$HOST$CONTAINERD_DROP_INS/bulkhead.toml

say() { echo "install.sh: $*"; }
fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# Runs a program of the node.
on_host() {
    if [ -n "$HOST_PROCESS" ]; then
        nsenter -t "$HOST_PROCESS" -m -- "$@"
    else
        chroot "$HOST" "$@"
    fi
}

# ---------------------------------------------------------------------------------------------------------------- checks

check_node() {
    [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
        fail "this node is $(uname -s) $(uname -m): Bulkhead is for x86-64 Linux"
    [ -d "$HOST/etc" ] || fail "$HOST is not the root directory of a node: there is no etc in it"
    release=$(uname -r)
    major=${release%%.*} rest=${release#*.}
    minor=${rest%%[!0-9]*}
    if [ "$major" -lt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -lt 12 ]; }; then
        fail "this node has Linux $release: Bulkhead needs 5.12 or later"
    fi
    for file in $QEMU $QEMU_DATA; do
        [ -e "$HOST$file" ] || [ -L "$HOST$file" ] ||
            fail "QEMU is not on this node, there is no $file: apt-get install qemu-system-x86"
    done
    [ -e "$HOST/dev/kvm" ] ||
        say "warning: there is no /dev/kvm: pods run on QEMU's translator (TCG), which is slow and no security boundary"
    for name in $NAMES; do
        link=$HOST$LINKS/$name
        if [ -e "$link" ] || [ -L "$link" ]; then
            is_our_link "$name" || fail "$LINKS/$name is there, and not of this installer: remove it first (make uninstall)"
        fi
    done
}

is_our_link() {
    case $(readlink "$HOST$LINKS/$1" 2>/dev/null || true) in
    "$PLACE/current/bin/$1") return 0 ;;
    esac
    return 1
}

# --------------------------------------------------------------------------------------------------------- the programs

is_whole() { [ -d "$1" ] && (cd "$1" && sha256sum -c "$SOURCE/sums" >/dev/null 2>&1); }

copy_programs() {
    version=$(cat "$SOURCE/version")
    mkdir -p "$root/versions"
    rm -rf "$root"/versions/.[!.]*
    if ! is_whole "$root/versions/$version"; then
        cp -a "$SOURCE/files" "$root/versions/.new"
        is_whole "$root/versions/.new" || fail "the copy in $PLACE differs from what was to be copied"
        [ ! -e "$root/versions/$version" ] || mv "$root/versions/$version" "$root/versions/.broken"
        mv "$root/versions/.new" "$root/versions/$version"
        rm -rf "$root/versions/.broken"
        say "copied version $version to $PLACE/versions"
    fi
    on_host "$PLACE/versions/$version/bin/containerd-shim-bulkhead-v2" -v >/dev/null ||
        fail "containerd-shim-bulkhead-v2 does not run on this node"
    replace_link "versions/$version" "$root/current"
    mkdir -p "$HOST$LINKS"
    for name in $NAMES; do
        is_our_link "$name" || replace_link "$PLACE/current/bin/$name" "$HOST$LINKS/$name"
    done
}

# The last rename is of a link, never onto what a link leads to.
replace_link() {
    [ "$(readlink "$2" 2>/dev/null || true)" != "$1" ] || return 0
    rm -f "$2.bulkhead-new"
    ln -s "$1" "$2.bulkhead-new"
    mv -T "$2.bulkhead-new" "$2"
}

# Programs of versions that nothing runs from any more. A pod's monitor goes on with its own.
remove_old_versions() {
    current=$(readlink "$root/current" 2>/dev/null || true)
    for old in "$root"/versions/*; do
        [ -d "$old" ] && [ "versions/${old##*/}" != "$current" ] || continue
        [ "$(running_from "versions/${old##*/}/")" -eq 0 ] || continue
        mv "$old" "$root/versions/.old"
        rm -rf "$root/versions/.old"
        say "removed version ${old##*/}, from which nothing runs"
    done
}

# How many processes execute a program below a directory of ours.
running_from() {
    count=0
    for process in "$PROC"/[0-9]*; do
        case $(readlink "$process/exe" 2>/dev/null || true) in
        "$PLACE/$1"* | "$HOST$PLACE/$1"*) count=$((count + 1)) ;;
        esac
    done
    echo $count
}

# --------------------------------------------------------------------------------------------- containerd's configuration

# The lines of a configuration that are not ours.
without_block() {
    awk -v begin="$BEGIN" -v end="$END" '
        $0 == begin { inside = 1; next }
        $0 == end { inside = 0; next }
        !inside' "$1"
}

our_block() {
    awk -v begin="$BEGIN" -v end="$END" '
        $0 == begin { inside = 1; next }
        $0 == end { inside = 0; next }
        inside' "$1"
}

check_markers() {
    [ -e "$1" ] || return 0
    awk -v begin="$BEGIN" -v end="$END" '
        $0 == begin { if (open || seen) bad = 1; open = 1; seen = 1 }
        $0 == end { if (!open) bad = 1; open = 0 }
        END { exit open || bad }' "$1" ||
        fail "$CONTAINERD_CONFIG: the lines \"$BEGIN\" and \"$END\" are not a pair any more: remove what is between them, and them"
}

# What containerd makes of a configuration.
dump() {
    if [ -e "$HOST$1" ]; then
        on_host containerd -c "$1" config dump
    else
        on_host containerd config default
    fi
}

# The lines of deploy/containerd's file of a version that are wanted in any case.
runtime_lines() {
    awk '/^\[plugins.*runtimes\.bulkhead\]/ { wanted = 1 } wanted && !/^ *#/ && !/^$/' "$SOURCE/containerd/bulkhead-v$1.toml"
}

# A table of a dump with those below it.
table_of() {
    awk -v name=".runtimes.$1" '
        /^ *\[/ { line = $0; gsub(/[ \t]/, "", line); at = index(line, name)
                  next_char = substr(line, at + length(name), 1); inside = at && (next_char == "]" || next_char == ".") }
        inside' "$2"
}

runtimes_of() { sed -n 's/^ *\[plugins.*\.containerd\.runtimes\.\([^].]*\)\]$/\1/p' "$1" | sort -u; }

forget_aside() { rm -f "$config".bulkhead-* "$dropin".bulkhead-*; }

configure() {
    mkdir -p "${config%/*}"
    forget_aside
    [ ! -L "$config" ] || fail "$CONTAINERD_CONFIG is a link: say where the file is by CONTAINERD_CONFIG"
    check_markers "$config"
    release=$(on_host containerd --version) || fail "there is no containerd on this node"
    release=$(echo "$release" | awk '{ print $3 }')
    release=${release#v}
    case $release in
    1.[6-9]* | 1.[1-9][0-9]* | [2-9].* | [1-9][0-9].*) ;;
    *) fail "this node has containerd $release: Bulkhead is for 1.6 and later" ;;
    esac

    # The configuration without us, and what that is to containerd.
    base=$config.bulkhead-base
    if [ -e "$config" ]; then
        without_block "$config" >"$base"
        # Nothing is left of a file that was ours alone.
        grep -q '[^[:space:]]' "$base" || rm -f "$base"
    fi
    format=$(sed -n 's/^ *version *= *\([0-9][0-9]*\).*/\1/p' "$base" 2>/dev/null | head -n 1)
    if [ ! -e "$base" ]; then
        case $release in 1.*) format=2 ;; *) format=3 ;; esac
    fi
    # Later formats take the lines of version 3: what they have changed is the rest.
    case $format in
    2) lines=2 ;;
    [3-9]) lines=3 ;;
    *) fail "$CONTAINERD_CONFIG is of version ${format:-1}, which is not known here: containerd config migrate" ;;
    esac
    before=$config.bulkhead-before after=$config.bulkhead-after
    dump "$CONTAINERD_CONFIG.bulkhead-base" >"$before" || fail "containerd cannot read $CONTAINERD_CONFIG"

    if takes_drop_ins; then
        configure_by_drop_in
    else
        [ ! -e "$dropin" ] || say "warning: $dropin is there, and not imported"
        configure_by_block
    fi
    forget_aside
}

# Since 2.0 what is imported adds to what is there; before, it replaces whole sections. Without a file nothing is imported.
takes_drop_ins() {
    case $release in 1.*) return 1 ;; esac
    grep '^ *imports *=' "$base" 2>/dev/null | grep -qF "$CONTAINERD_DROP_INS/*.toml"
}

configure_by_drop_in() {
    if runtimes_of "$before" | grep -qx bulkhead && [ ! -e "$root/drop-in.sum" ]; then
        say "containerd's configuration has a runtime bulkhead of its own, which is left as it is"
        return
    fi
    mkdir -p "${dropin%/*}"
    { echo "$BEGIN" && echo "version = $lines" && runtime_lines "$lines" && echo "$END"; } >"$dropin.bulkhead-new"
    if [ -e "$dropin" ] && ! cmp -s "$dropin" "$dropin.bulkhead-new" && ! is_unchanged "$dropin" "$root/drop-in.sum"; then
        say "$CONTAINERD_DROP_INS/bulkhead.toml has been changed, and is left as it is"
        return
    fi
    sum_of "$dropin.bulkhead-new" >"$root/drop-in.sum"
    if ! cmp -s "$dropin" "$dropin.bulkhead-new"; then
        : >"$root/restart-needed"
        mv "$dropin.bulkhead-new" "$dropin"
        if ! dump "$CONTAINERD_CONFIG" >"$after" || ! runtimes_of "$after" | grep -qx bulkhead ||
            [ -n "$(lost_lines)" ]; then
            rm -f "$dropin" "$root/restart-needed"
            fail "containerd does not take $CONTAINERD_DROP_INS/bulkhead.toml as it should"
        fi
        say "wrote $CONTAINERD_DROP_INS/bulkhead.toml"
    fi
    # A block of a time when drop-ins were not taken.
    if [ -e "$config" ] && [ -n "$(our_block "$config")" ]; then
        : >"$root/restart-needed"
        mv_config "$base"
    fi
}

# Nothing but what is imported may be different with us.
lost_lines() { grep -v '^ *imports *=' "$before" | grep -vxF -f "$after" || true; }

configure_by_block() {
    if runtimes_of "$before" | grep -qx bulkhead; then
        say "$CONTAINERD_CONFIG has a runtime bulkhead of its own, which is left as it is"
        [ -z "$(our_block "$config")" ] || { : >"$root/restart-needed" && mv_config "$base"; }
        return
    fi
    candidate=$config.bulkhead-new
    runtime_lines "$lines" >"$config.bulkhead-block"
    write_candidate
    dump "$CONTAINERD_CONFIG.bulkhead-new" >"$after" || fail "containerd cannot read its configuration with Bulkhead in it"
    # The first runtime that a file names makes containerd forget the one that it has by itself.
    lost=""
    for name in $(runtimes_of "$before"); do
        runtimes_of "$after" | grep -qx "$name" || lost="$lost $name"
    done
    if [ -n "$lost" ]; then
        for name in $lost; do table_of "$name" "$before"; done >>"$config.bulkhead-block"
        write_candidate
        dump "$CONTAINERD_CONFIG.bulkhead-new" >"$after" || fail "containerd cannot read its configuration with Bulkhead in it"
    fi
    runtimes_of "$after" | grep -qx bulkhead || fail "containerd does not take the runtime bulkhead"
    gone=$(lost_lines)
    [ -z "$gone" ] || fail "with Bulkhead in its configuration containerd would lose: $gone"
    sum_of "$config.bulkhead-block" >"$root/block.sum"
    if ! cmp -s "$candidate" "$config"; then
        : >"$root/restart-needed"
        mv_config "$candidate"
        say "put the runtime bulkhead into $CONTAINERD_CONFIG"
    fi
}

write_candidate() {
    {
        [ ! -e "$base" ] || cat "$base"
        echo "$BEGIN"
        [ -e "$base" ] || echo "version = $format"
        cat "$config.bulkhead-block"
        echo "$END"
    } >"$candidate"
}

# Puts another file in the configuration's place, with its owner and mode. None at all, when there is nothing in it.
mv_config() {
    if [ ! -e "$1" ] || ! grep -q '[^[:space:]]' "$1"; then
        rm -f "$config"
        return
    fi
    if [ -e "$config" ]; then
        cp -p "$config" "$config.bulkhead-moving"
        cat "$1" >"$config.bulkhead-moving"
    else
        cp "$1" "$config.bulkhead-moving"
        chmod 644 "$config.bulkhead-moving"
    fi
    mv "$config.bulkhead-moving" "$config"
}

sum_of() { sha256sum <"$1" | awk '{ print $1 }'; }
is_unchanged() { [ -e "$2" ] && [ "$(sum_of "$1")" = "$(cat "$2")" ]; }

# What has changed and is not in force yet: also what a run before this one has left so.
restart_if_needed() {
    [ -e "$root/restart-needed" ] || return 0
    say "restarting $CONTAINERD_SERVICE"
    on_host systemctl restart "$CONTAINERD_SERVICE" || {
        [ "$1" = uninstall ] || take_back
        fail "$CONTAINERD_SERVICE does not restart: journalctl -u $CONTAINERD_SERVICE"
    }
    rm -f "$root/restart-needed"
}

# containerd as it was is worth more than Bulkhead.
take_back() {
    say "$CONTAINERD_SERVICE does not restart: its configuration is put back"
    remove_configuration
    on_host systemctl restart "$CONTAINERD_SERVICE" || true
}

remove_configuration() {
    forget_aside
    if [ -e "$dropin" ] && [ -e "$root/drop-in.sum" ]; then
        : >"$root/restart-needed"
        if is_unchanged "$dropin" "$root/drop-in.sum"; then
            rm -f "$dropin"
        else
            mv "$dropin" "$dropin.kept"
            say "$CONTAINERD_DROP_INS/bulkhead.toml had been changed: it is kept as bulkhead.toml.kept, which nobody reads"
        fi
    fi
    check_markers "$config"
    if [ -e "$config" ] && grep -qxF "$BEGIN" "$config"; then
        our_block "$config" | grep -v '^version = ' >"$config.bulkhead-block" || true
        if ! is_unchanged "$config.bulkhead-block" "$root/block.sum"; then
            cp "$config.bulkhead-block" "$config.kept"
            say "the lines of Bulkhead in $CONTAINERD_CONFIG had been changed: they are kept in ${CONTAINERD_CONFIG##*/}.kept"
        fi
        without_block "$config" >"$config.bulkhead-base"
        : >"$root/restart-needed"
        mv_config "$config.bulkhead-base"
        say "took the runtime bulkhead out of $CONTAINERD_CONFIG"
    fi
    forget_aside
}

# ------------------------------------------------------------------------------------------------------------- the verbs

install() {
    for file in version sums files/bin/bulkhead containerd/bulkhead-v2.toml; do
        [ -e "$SOURCE/$file" ] || fail "there is no $SOURCE/$file: deploy/image/build makes what is to be installed"
    done
    check_node
    copy_programs
    configure
    restart_if_needed install
    remove_old_versions
    say "Bulkhead $(cat "$SOURCE/version") is installed"
}

uninstall() {
    [ -d "$HOST/etc" ] || fail "$HOST is not the root directory of a node: there is no etc in it"
    rm -rf "$HOST${PLACE%/*}/.bulkhead-removed"
    if [ -d "$root" ]; then
        if [ -x "$root/current/bin/bulkhead" ]; then
            # Machines that wait for a pod.
            on_host "$PLACE/current/bin/bulkhead" spare drain >/dev/null 2>&1 || true
        fi
        running=$(running_from "versions/")
        [ "$running" -eq 0 ] ||
            fail "pods of Bulkhead run on this node ($running processes): delete them first (kubectl drain, kubectl delete pod)"
        remove_configuration
        restart_if_needed uninstall
    fi
    for name in $NAMES; do
        ! is_our_link "$name" || rm -f "$HOST$LINKS/$name"
        rm -f "$HOST$LINKS/$name.bulkhead-new"
    done
    [ ! -d "$root" ] || mv "$root" "$HOST${PLACE%/*}/.bulkhead-removed"
    rm -rf "$HOST${PLACE%/*}/.bulkhead-removed"
    say "Bulkhead is not installed any more; what it has kept is in /var/lib/bulkhead still"
}

# Sets the node's label, or with null removes it.
label() {
    [ -n "${NODE_NAME:-}" ] || fail "NODE_NAME says which node is to be labelled"
    account=${SERVICE_ACCOUNT:-/var/run/secrets/kubernetes.io/serviceaccount}
    server=${KUBERNETES_SERVICE_HOST:-} port=${KUBERNETES_SERVICE_PORT:-443}
    [ -n "$server" ] || fail "KUBERNETES_SERVICE_HOST says where the API server is: this is for a pod"
    case $server in *:*) server="[$server]" ;; esac
    # The token is in no argument, where others could read it.
    answer=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$account/token")" |
        curl --config - --silent --show-error --max-time 30 --cacert "$account/ca.crt" --output /dev/null \
            --write-out '%{http_code}' --request PATCH --header 'Content-Type: application/merge-patch+json' \
            --data "{\"metadata\":{\"labels\":{\"bulkhead/installed\":$1}}}" \
            "https://$server:$port/api/v1/nodes/$NODE_NAME") || fail "the API server at $server:$port cannot be reached"
    [ "$answer" = 200 ] || fail "the API server does not label the node $NODE_NAME: HTTP status $answer"
}

stay() {
    trap 'exit 0' TERM INT
    while :; do
        if [ "${1:-}" = label ]; then (label '"true"') || true; fi
        sleep 600 &
        wait $! || true
    done
}

case "${1:-}" in
install | uninstall) "$1" ;;
label) label '"true"' ;;
unlabel) label null ;;
stay) stay "${2:-}" ;;
*) fail "usage: install.sh install | uninstall | label | unlabel | stay [label]" ;;
esac
