#!/bin/sh
# Makes sure that this machine has a PostgreSQL server, and installs one with the
# package manager of the system if not. No cluster is created and no service
# started: package embedded runs the server itself, on a directory of its own.
set -eu

# The same places as in binaries.go.
installed() {
	command -v postgres >/dev/null && command -v initdb >/dev/null && return
	for bin in \
		/usr/lib/postgresql/*/bin \
		/usr/pgsql-*/bin \
		/usr/libexec/postgresql* \
		/usr/lib/postgresql*/bin \
		/opt/homebrew/opt/postgresql*/bin \
		/usr/local/opt/postgresql*/bin \
		/home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin
	do
		[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] && return
	done
	return 1
}

have() { command -v "$1" >/dev/null; }

# give_up COMMAND names what a person has to do in our place.
give_up() {
	cat >&2 <<-END
		Menshen needs a PostgreSQL server (13 or newer), and none could be installed. Please run
		    $1
		or set MENSHEN_DATABASE_URL to use a server elsewhere.
	END
	exit 1
}

# The packages of Debian and Ubuntu create and start a cluster when they are
# installed. For as long as it takes, a drop-in file forbids that.
apt_script='
set -eu
dropin=/etc/postgresql-common/createcluster.d/menshen-install.conf
trap "rm -f $dropin" EXIT
trap "exit 1" INT TERM
export DEBIAN_FRONTEND=noninteractive
mkdir -p "${dropin%/*}"
echo "create_main_cluster = false" >"$dropin"
apt-get update
apt-get install -y --no-install-recommends postgresql
'

installed && exit

if have apt-get; then
	manual='apt-get install postgresql'
	set -- sh -c "$apt_script"
elif have dnf; then
	manual='dnf install -y postgresql-server'
	set -- $manual
elif have apk; then
	manual='apk add postgresql'
	set -- $manual
elif have brew; then
	manual='brew install postgresql@17'
	set -- $manual
else
	give_up 'the package manager of this system, to install a PostgreSQL server,'
fi

if [ "$1" != brew ] && [ "$(id -u)" -ne 0 ]; then # brew is the one that wants no root
	have sudo || give_up "su -c '$manual'"
	manual="sudo $manual"
	set -- sudo "$@"
fi

echo "No PostgreSQL server found on this machine. Installing one: $manual"
"$@" || give_up "$manual"
installed || give_up "$manual"
