//! Tests of addresses: what is accepted, what is refused, and that the parts are right.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_tcp(text: &str, host: &str, port: u16) {
    let endpoint: Endpoint = text.parse().unwrap();
    assert_eq!(endpoint.scheme(), Scheme::Tcp);
    assert_eq!(
        (endpoint.host(), endpoint.port()),
        (Some(host), Some(port)),
        "{text}"
    );
    assert_eq!(endpoint.as_str(), text);
    assert_eq!(endpoint.ipc_path(), None);
}

#[track_caller]
fn check_local(text: &str, scheme: Scheme, path: Option<&str>) {
    let endpoint: Endpoint = text.parse().unwrap();
    assert_eq!(
        (endpoint.scheme(), endpoint.ipc_path()),
        (scheme, path),
        "{text}"
    );
    assert_eq!((endpoint.host(), endpoint.port()), (None, None));
    assert!(!endpoint.is_ipv6());
}

#[track_caller]
fn refuse(text: &str, expected: EndpointError) {
    assert_eq!(text.parse::<Endpoint>(), Err(expected), "{text}");
}

#[test]
fn a_tcp_address_is_a_host_and_a_port() {
    check_tcp("tcp://127.0.0.1:4001", "127.0.0.1", 4001);
    check_tcp("tcp://app01.example.org:3000", "app01.example.org", 3000);
    check_tcp("tcp://app01.example.org.:3000", "app01.example.org.", 3000);
    check_tcp("tcp://my_container:3000", "my_container", 3000);
    check_tcp("tcp://3com.example:1", "3com.example", 1);
    check_tcp("tcp://*:9940", "*", 9940);
    check_tcp("tcp://localhost:0", "localhost", 0);
    check_tcp("tcp://localhost:65535", "localhost", 65535);
    check_tcp("tcp://[::1]:3000", "::1", 3000);
    check_tcp("tcp://[fe80::1%eth0]:3000", "fe80::1%eth0", 3000);
}

#[test]
fn a_local_address_is_a_path_or_a_name() {
    check_local(
        "ipc:///run/fedmsg/relay.sock",
        Scheme::Ipc,
        Some("/run/fedmsg/relay.sock"),
    );
    check_local("ipc://relative path", Scheme::Ipc, Some("relative path"));
    check_local("ipc://@relay", Scheme::Ipc, None);
    check_local("inproc://bus", Scheme::Inproc, None);
    check_local(
        &format!("ipc://{}", "x".repeat(107)),
        Scheme::Ipc,
        Some(&"x".repeat(107)),
    );
}

#[test]
fn an_ipv6_address_is_told_from_the_rest() {
    for (text, expected) in [
        ("tcp://[::1]:1", true),
        ("tcp://127.0.0.1:1", false),
        ("tcp://*:1", false),
    ] {
        assert_eq!(
            text.parse::<Endpoint>().unwrap().is_ipv6(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_libzmq_must_never_see_is_refused() {
    use EndpointError::{BadHost, BadName, BadPort, NoPort, TooLong, UnknownScheme};
    for text in [
        "",
        "tcp",
        "127.0.0.1:3000",
        "udp://a:1",
        "TCP://a:1",
        "tcp:/a:1",
        " tcp://a:1",
        "://a:1",
    ] {
        refuse(text, UnknownScheme);
    }
    for text in ["tcp://app01", "tcp://", "tcp://[::1]"] {
        refuse(text, NoPort);
    }
    for text in [
        "tcp://a:",
        "tcp://a:x",
        "tcp://a:65536",
        "tcp://a:-1",
        "tcp://a:+1",
        "tcp://a:*",
        "tcp://a:01",
        "tcp://a:1 ",
        "tcp://a:1/x",
        "tcp://a:１",
        "tcp://a:99999999999999999999",
        "tcp://a:1\0",
    ] {
        refuse(text, BadPort);
    }
    for text in [
        "tcp://:1",
        "tcp://::1:1",
        "tcp://[::1]x:1",
        "tcp://[127.0.0.1]:1",
        "tcp://[]:1",
        "tcp://[::1%]:1",
        "tcp://[::1%a b]:1",
        "tcp://256.1.1.1:1",
        "tcp://1.2.3:1",
        "tcp://123:1",
        "tcp://127.0.0.1.:1",
        "tcp://a b:1",
        "tcp://a..b:1",
        "tcp://-a:1",
        "tcp://a-:1",
        "tcp://a/b:1",
        "tcp://me:secret@a:1",
        "tcp://**:1",
        "tcp://eth0;a:1",
        "tcp://192.0.2.1:5;192.0.2.2:1",
        "tcp://ünï:1",
        "tcp://a\0b:1",
        "tcp://.:1",
        "tcp://a.*:1",
    ] {
        refuse(text, BadHost);
    }
    refuse(&format!("tcp://{}:1", "a".repeat(64)), BadHost);
    refuse(&format!("tcp://{}:1", "a.".repeat(127) + "aa"), BadHost);
    for text in [
        "ipc://",
        "ipc://*",
        "ipc://@",
        "ipc://a\0b",
        "ipc:// ",
        "inproc://",
        "inproc://a\nb",
    ] {
        refuse(text, BadName);
    }
    refuse(
        &format!("ipc://{}", "x".repeat(108)),
        TooLong { longest: 107 },
    );
    refuse(
        &format!("inproc://{}", "x".repeat(257)),
        TooLong { longest: 256 },
    );
}

#[test]
fn a_socket_address_becomes_an_endpoint() {
    for text in ["127.0.0.1:4001", "[::1]:4001", "0.0.0.0:0", "[fe80::1%3]:1"] {
        let address: SocketAddr = text.parse().unwrap();
        let endpoint = Endpoint::tcp(address);
        let parsed: Endpoint = format!("tcp://{text}").parse().unwrap();
        assert_eq!(endpoint, parsed);
        assert!(endpoint.target == parsed.target, "{text}");
        assert_eq!(endpoint.port(), Some(address.port()));
    }
}

#[test]
fn a_bind_host_replaces_the_host_alone() {
    let check = |text: &str, host: &str, expected: Result<&str, EndpointError>| {
        let endpoint: Endpoint = text.parse().unwrap();
        let replaced = endpoint
            .with_host(host)
            .map(|endpoint| endpoint.to_string());
        assert_eq!(replaced, expected.map(str::to_owned), "{text} with {host}");
    };
    check("tcp://app01:3000", "*", Ok("tcp://*:3000"));
    check("tcp://app01:3000", "127.0.0.1", Ok("tcp://127.0.0.1:3000"));
    check("tcp://app01:3000", "::1", Ok("tcp://[::1]:3000"));
    check("tcp://app01:3000", "[::1]", Ok("tcp://[::1]:3000"));
    check("tcp://[::1]:3000", "app02", Ok("tcp://app02:3000"));
    check("tcp://app01:3000", "", Err(EndpointError::BadHost));
    check("tcp://app01:3000", "a:1", Err(EndpointError::BadHost));
    check("ipc:///run/x", "*", Ok("ipc:///run/x"));
}

#[test]
fn two_endpoints_are_the_same_when_they_are_written_the_same() {
    let parse = |text: &str| text.parse::<Endpoint>().unwrap();
    assert_eq!(parse("tcp://a:1"), parse("tcp://a:1"));
    assert!(parse("tcp://a:1") < parse("tcp://a:2"));
    assert_ne!(parse("inproc://a"), parse("ipc://a"));
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
        "[a-z]([a-z0-9_-]{0,20}[a-z0-9])?(\\.[a-z]([a-z0-9-]{0,10}[a-z0-9])?){0,4}",
    ]
}

proptest! {
    #[test]
    fn a_tcp_address_round_trips(host in host(), port: u16) {
        let text = format!("tcp://{host}:{port}");
        let endpoint: Endpoint = text.parse().unwrap();
        prop_assert_eq!(endpoint.to_string(), text);
        prop_assert_eq!(endpoint.port(), Some(port));
        prop_assert_eq!(endpoint.host(), Some(host.trim_matches(['[', ']'])));
        let toml = toml::Value::try_from(&endpoint).unwrap();
        prop_assert_eq!(Endpoint::deserialize(toml).unwrap(), endpoint);
    }

    #[test]
    fn whatever_is_accepted_is_shown_unchanged_and_fit_for_a_c_string(
        text in "(tcp|ipc|inproc)://[-a-z0-9.:*@%/_\\[\\] \u{0}]{0,30}|\\PC{0,30}",
    ) {
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            prop_assert_eq!(endpoint.as_str(), &text);
            prop_assert!(!text.contains('\0'));
            prop_assert_eq!(endpoint.host().is_some(), endpoint.scheme() == Scheme::Tcp);
            prop_assert_eq!(endpoint.with_host("*").is_ok(), true);
        }
    }
}
