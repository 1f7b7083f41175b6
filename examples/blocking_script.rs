//! A script without async: the same calls, which wait.
//!
//! For a script that publishes once, `fedmsg::blocking::publish(message)?` is all there is to it. It
//! takes its configuration from /etc/fedmsg, where `active = true` makes it publish through the
//! relay. This one brings both ends along.
//!
//! Run it: `cargo run --example blocking_script`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::thread;
use std::time::Duration;

use fedmsg::blocking::{Publisher, Subscriber};
use fedmsg::{Config, Message};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let publisher = Publisher::open(Config::from_toml(
        r#"
        name = "backup"
        post_init_sleep = 0
        endpoints.backup = "tcp://127.0.0.1:0"   # port 0: any that is free
        "#,
    )?)?;

    // Whoever listens needs to know the address: usually both read the same file.
    let address = publisher.addresses().first().ok_or("not bound")?;
    let listener = Config::from_toml(&format!(
        "endpoints = {{ backup = '{address}', relay_outbound = [] }}"
    ))?;
    let listener = thread::spawn(move || -> Result<(), fedmsg::blocking::BlockingError> {
        for delivery in Subscriber::open(listener, [])?.take(2) {
            println!("{}: {:?}", delivery.topic(), delivery.msg());
        }
        Ok(())
    });

    let topic = "com.example.dev.backup.done".parse()?;
    publisher.wait_for_subscriber(&topic, Duration::from_secs(10));
    for disk in ["sda", "sdb"] {
        publisher.publish(Message::new("done", disk).with_modname("backup"))?;
    }

    listener.join().map_err(|_| "the listener panicked")??;
    println!("{} messages published", publisher.counts().messages);
    Ok(())
}
