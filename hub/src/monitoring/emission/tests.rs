//! The form of an emission: keys and their order, what counts from one to the next, names.

use fedmsg_actors::{ConsumeError, Consumer, ConsumerContext, Delivery, NoParams, TestBus};
use serde_json::Value;

use super::*;
use crate::BoxError;

/// A consumer under a name that the original has, too.
struct Relay;

impl Consumer for Relay {
    const KIND: &'static str = "relay";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(
        &mut self,
        message: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        match message.msg().as_bool() {
            Some(true) => Ok(()),
            _ => Err(ConsumeError::Drop("not this one".into())),
        }
    }
}

fn keys(entry: &Value) -> Vec<&str> {
    entry
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn emission(
    emissions: &mut Emissions,
    status: &HubStatus,
    times: &BTreeMap<String, Vec<f64>>,
) -> Value {
    serde_json::from_str(&emissions.next(status, times)).unwrap()
}

#[test]
fn consumers_count_from_one_emission_to_the_next() {
    TestBus::new()
        .consumer::<Relay>("relay", "")
        .run(async |bus| {
            let mut emissions = Emissions::default();
            for good in [true, true, false] {
                bus.publish("com.example.a", good).await;
            }
            let status = bus.settle().await;
            let times = BTreeMap::from([("relay".to_owned(), vec![0.5, 0.25])]);
            let first = emission(&mut emissions, &status, &times);
            let relay = &first["consumers"][0];
            for (key, expected) in [
                ("name", json!("RelayConsumer")),
                ("module", json!("fedmsg.consumers.relay")),
                ("topic", json!("#")),
                ("initialized", json!(true)),
                ("exceptions", json!(1)),
                ("jsonify", json!(true)),
                ("backlog", json!(0)),
                ("headcount_out", json!(3)),
                ("headcount_in", json!(3)),
                ("times", json!([0.5, 0.25])),
            ] {
                assert_eq!(relay[key], expected, "{key}");
            }
            bus.publish("com.example.a", true).await;
            let status = bus.settle().await;
            let second = emission(&mut emissions, &status, &BTreeMap::new());
            let relay = &second["consumers"][0];
            assert_eq!(relay["exceptions"], 0);
            assert_eq!(
                (&relay["headcount_in"], &relay["headcount_out"]),
                (&json!(1), &json!(1))
            );
            assert_eq!(relay["times"], json!([]));
            assert_eq!(relay["totals"]["consumed"], 3);
            assert_eq!(second["hub"]["sources"][0]["endpoints"][0]["messages"], 4);
        });
}

#[test]
fn the_keys_come_in_the_order_of_the_original() {
    let report = TestBus::new()
        .consumer::<Relay>("mine", "topics = ['a.b', 'c.#']")
        .run(async |_| {});
    let text = Emissions::default().next(&report.status, &BTreeMap::new());
    let positions = |keys: &[&str]| {
        let found = keys.iter().map(|key| text.find(&format!("\"{key}\":")));
        found.collect::<Option<Vec<_>>>().expect("every key")
    };
    let consumer = positions(&[
        "consumers",
        "name",
        "module",
        "topic",
        "initialized",
        "exceptions",
        "jsonify",
        "backlog",
        "headcount_out",
        "headcount_in",
        "times",
        "totals",
        "producers",
        "frequency",
        "now",
        "last_ran",
        "hub",
    ]);
    assert!(consumer.is_sorted(), "{consumer:?} in {text}");
    let emission: Value = serde_json::from_str(&text).unwrap();
    let mine = &emission["consumers"][0];
    assert_eq!(
        (&mine["name"], &mine["module"]),
        (&json!("mine"), &json!("fedmsg.consumers.relay"))
    );
    assert_eq!(mine["topic"], json!(["a.b", "c.#"]));
    assert_eq!(mine["initialized"], false, "it has stopped");
    let socket = &emission["producers"][0];
    let expected = [
        "exceptions",
        "frequency",
        "initialized",
        "last_ran",
        "module",
        "name",
        "now",
    ];
    assert_eq!(keys(socket), expected);
    assert_eq!(
        (&socket["name"], &socket["frequency"]),
        (&json!("MonitoringProducer"), &json!(5))
    );
}

#[test]
fn an_instance_goes_by_the_original_class_only_where_nobody_else_does() {
    let report = TestBus::new()
        .consumer::<Relay>("relay", "")
        .consumer::<Relay>("RelayConsumer", "")
        .run(async |_| {});
    let text = Emissions::default().next(&report.status, &BTreeMap::new());
    let emission: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = emission["consumers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["RelayConsumer", "relay"]);
}

#[test]
fn a_number_of_seconds_is_whole_where_it_can_be() {
    assert_eq!(seconds(5000), Some(Number::from(5)));
    assert_eq!(seconds(250), Number::from_f64(0.25));
}
