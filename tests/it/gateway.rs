//! `fedmsg-gateway` in the middle of a bus: the whole of it, at one address, byte for byte.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use rustix::process::Signal;

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker, in_shell, loopback};

/// A gateway to what is published on `ports`, with the port that its clients connect to.
struct Gateway {
    sandbox: Sandbox,
    port: u16,
}

impl Gateway {
    fn new(ports: &[u16], toml: &str) -> Self {
        let port = free_tcp_port();
        let mut settings = Settings::new().with(toml).with(&format!(
            "[consumers.out]\nkind = 'gateway'\nparams.address = '{}'",
            loopback(port)
        ));
        for (number, port) in ports.iter().enumerate() {
            settings = settings.endpoint(&format!("svc{number}.host"), *port);
        }
        let sandbox = Sandbox::with(&settings);
        Self { sandbox, port }
    }

    fn start(&self) -> Process {
        self.sandbox.start(&["fedmsg-gateway"])
    }
}

#[test]
fn clients_get_every_message_of_every_endpoint_as_it_came() {
    let ports = [free_tcp_port(), free_tcp_port()];
    let speakers = ports.map(Speaker::bound);
    let gateway = Gateway::new(&ports, "");
    let running = gateway.start();
    let client = Listener::on(gateway.port);
    for (number, speaker) in speakers.iter().enumerate() {
        let probe = format!("probe.{number}");
        speaker.probe(&probe, |time| {
            let mut heard = std::iter::from_fn(|| client.next_within(time));
            heard.find(|delivery| delivery.topic().as_str() == probe)
        });
    }
    // No relay has touched them: spelling, duplicate members, what is no envelope, what is no JSON.
    let bodies = [
        r#"{ "topic" : "t.0", "msg": 1.50, "msg": "\u00e9" }"#,
        "[1,  2]",
        "not json",
        "",
        r#"{"topic":"t.other","msg":{}}"#,
    ];
    for (number, body) in bodies.iter().enumerate() {
        let topic = format!("t.{number}");
        speakers[number % 2].forward(&topic, body);
        let delivery = client.next_about(&topic);
        assert_eq!(delivery.envelope().bytes(), body.as_bytes());
    }
    running.signal(Signal::TERM);
    let log = running.finish().expect_success().errors;
    assert!(log.contains("missed=0 cut_off=0 joined=1"), "{log}");
}

#[test]
fn what_hubs_leave_out_runs_here_with_the_limit_of_the_command_line() {
    let gateway = Gateway::new(&[free_tcp_port()], "[consumers.out]\nenabled = false");
    let words = ["fedmsg-gateway", "--high-water-mark", "7", "--print-config"];
    let printed = gateway.sandbox.run(&words).expect_success();
    let config: toml::Table = printed.lines.join("\n").parse().expect("TOML");
    let out = &config["consumers"]["out"];
    assert_eq!(out["params"]["high_water_mark"].as_integer(), Some(7));
    let address = loopback(gateway.port);
    assert_eq!(out["params"]["address"].as_str(), Some(&*address));
    assert_eq!(out["enabled"].as_bool(), Some(true));
    assert_eq!(
        config["consumers"].as_table().map(toml::Table::len),
        Some(1)
    );
}

#[test]
fn a_second_gateway_may_have_its_messages_from_the_first() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let first = Gateway::new(&[port], "");
    let second = Gateway::new(&[first.port], "");
    let _running = [first.start(), second.start()];
    let client = Listener::on(second.port);
    speaker.probe("probe", |time| client.next_within(time));
}

#[test]
fn one_whose_address_is_taken_ends_and_names_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = loopback(taken.local_addr().expect("a bound socket").port());
    let gateway = Gateway::new(&[free_tcp_port()], "");
    let flag = format!("{address:?}");
    let mut command = gateway.sandbox.command(&["fedmsg-gateway"]);
    command.env("FEDMSG_CONSUMERS__OUT__PARAMS__ADDRESS", flag);
    let finished = Process::start(command).finish();
    assert_eq!(finished.status.code(), Some(69), "{finished:#?}");
    let complaint = finished.errors.lines().last().unwrap_or_default();
    assert!(complaint.contains(&address), "{complaint}");
    assert!(complaint.contains("in use"), "{complaint}");
}

#[test]
fn what_a_slow_client_misses_is_counted_and_costs_the_others_nothing() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let gateway = Gateway::new(&[port], "consumers.out.params.high_water_mark = 1000");
    let running = gateway.start();
    let fast = Listener::on(gateway.port);
    speaker.probe("probe", |time| fast.next_within(time));
    let tail = Sandbox::with(&Settings::new().endpoint("gateway", gateway.port));
    let mut slow = tail.start(&["fedmsg-tail", "--query", "topic"]);
    speaker.probe("probe", |time| slow.line_within(time));
    slow.signal(Signal::STOP);
    let body = format!(r#"{{"topic":"burst","msg":"{}"}}"#, "x".repeat(2000));
    const MESSAGES: usize = 20_000;
    for _ in 0..MESSAGES / 100 {
        (0..100).for_each(|_| speaker.forward("burst", &body));
        fast.take_about("burst", 100); // it has kept up
    }
    slow.signal(Signal::CONT);
    let mut shown = 0;
    speaker.probe("end", |time| {
        while let Some(line) = slow.line_within(time) {
            match line.as_str() {
                "burst" => shown += 1,
                "end" => return Some(()),
                _ => {}
            }
        }
        None
    });
    running.signal(Signal::TERM);
    let log = running.finish().expect_success().errors;
    let line = log
        .lines()
        .rfind(|line| line.contains("forwarded messages="));
    let missed = line.and_then(|line| {
        let mut words = line.split(' ');
        words.find_map(|word| word.strip_prefix("missed=")?.parse().ok())
    });
    let missed: usize = missed.unwrap_or_else(|| panic!("no line: {log}"));
    assert!(missed > 0, "{log}");
    assert!(
        (MESSAGES..MESSAGES + 100).contains(&(shown + missed)),
        "{shown} shown: {log}"
    );
}

#[test]
fn connections_leave_descriptors_to_the_rest_of_it() {
    let port = free_tcp_port();
    let speaker = Speaker::bound(port);
    let gateway = Gateway::new(&[port], "'moksha.monitoring.socket' = 'ipc://monitoring'");
    let script = "ulimit -n 100\nexec \"$0\" \"$@\" 2>&1 >/dev/null";
    let command = gateway.sandbox.command(&["fedmsg-gateway"]);
    let mut running = Process::start(in_shell(script, &command));
    running.line_with("hub running");
    let client = Listener::on(gateway.port);
    speaker.probe("probe", |time| client.next_within(time));
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, gateway.port));
    let idle: Vec<_> = (0..200).map_while(|_| connect().ok()).collect();
    running.line_with("too many connections");
    // Whoever was there is served, and monitoring still answers.
    speaker.probe("still", |time| client.next_within(time));
    let words = ["fedmsg-check", "--timeout", "60", "-c", "out"];
    gateway.sandbox.run(&words).expect_success();
    drop(idle);
    running.signal(Signal::TERM);
    running.finish().expect_success();
}
