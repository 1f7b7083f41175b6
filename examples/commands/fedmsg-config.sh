# From the Python files of the original to a configuration that is checked, without running them.
set -eu
mkdir fedmsg.d
cat > fedmsg.d/base.py <<'PYTHON'
config = dict(
    topic_prefix="org.example",
    environment="prod",
    endpoints={"shop.app01": ["tcp://app01.example.org:3000", "tcp://app01.example.org:3001"]},
    relay_inbound="tcp://127.0.0.1:2003",
)
PYTHON
fedmsg-config import fedmsg.d --output fedmsg.toml 2> remarks
fedmsg-config check fedmsg.toml > findings 2> summary
FEDMSG_CONFIG=fedmsg.toml fedmsg-config --query endpoints.shop.app01
# Output: tcp://app01.example.org:3001
