//! The hub `{{name}}`: the built-in kinds, and those that are registered here.

mod greeter;
mod ticker;

use std::process::ExitCode;

use fedmsg_hub::Hub;

use crate::greeter::GreeterConsumer;
use crate::ticker::TickerProducer;

fn main() -> ExitCode {
    Hub::command()
        .consumer::<GreeterConsumer>()
        .producer::<TickerProducer>()
        .run()
}

#[cfg(test)]
mod tests {
    use fedmsg_hub::Config;

    use super::*;

    #[test]
    fn the_configuration_is_one_that_this_hub_takes() {
        let config = Config::from_toml(include_str!("../fedmsg.toml")).expect("a configuration");
        let hub = Hub::builder(config)
            .consumer::<GreeterConsumer>()
            .producer::<TickerProducer>();
        assert!(hub.check().is_empty());
    }
}
