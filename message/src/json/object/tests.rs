//! An object against the plainest possible model of one.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Change {
    Insert(u8, i64),
    Remove(u8),
    Retain(u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        6 => (0..40u8, any::<i64>()).prop_map(|(key, value)| Change::Insert(key, value)),
        2 => (0..40u8).prop_map(Change::Remove),
        1 => (2..9u8).prop_map(Change::Retain),
    ];
    prop::collection::vec(change, 0..120)
}

fn name(key: u8) -> String {
    format!("key {key}")
}

proptest! {
    #[test]
    fn an_object_behaves_like_a_python_dict(changes in changes()) {
        let mut object = Object::new();
        let mut model: Vec<(u8, i64)> = Vec::new();
        for change in changes {
            match change {
                Change::Insert(key, value) => {
                    let replaced = object.insert(name(key), value);
                    let known = model.iter_mut().find(|(known, _)| *known == key);
                    let expected = known.map(|(_, slot)| std::mem::replace(slot, value));
                    prop_assert_eq!(replaced, expected.map(Value::from));
                    if expected.is_none() {
                        model.push((key, value));
                    }
                }
                Change::Remove(key) => {
                    let position = model.iter().position(|(known, _)| *known == key);
                    let expected = position.map(|position| model.remove(position).1);
                    prop_assert_eq!(object.remove(&name(key)), expected.map(Value::from));
                }
                Change::Retain(divisor) => {
                    model.retain(|(key, _)| key % divisor != 0);
                    let gone = (0..40).filter(|key| key % divisor == 0).map(name);
                    let gone: Vec<String> = gone.collect();
                    object.retain(|key, _| !gone.iter().any(|gone| key == gone.as_str()));
                }
            }
            let members: Vec<(String, Value)> =
                model.iter().map(|(key, value)| (name(*key), Value::from(*value))).collect();
            let own = |(key, value): (&Text, &Value)| {
                (key.to_string_lossy().into_owned(), value.clone())
            };
            prop_assert_eq!(object.iter().map(own).collect::<Vec<_>>(), members.clone());
            for key in 0..40 {
                let expected = model.iter().find(|(known, _)| *known == key);
                let expected = expected.map(|(_, value)| Value::from(*value));
                prop_assert_eq!(object.get(&name(key)), expected.as_ref());
            }
            let mut reversed = Object::new();
            reversed.extend(members.into_iter().rev());
            prop_assert_eq!(&reversed, &object);
        }
    }
}

#[test]
fn objects_of_different_content_differ_at_any_size() {
    for length in [1, 5, 40] {
        let object: Object = (0..length).map(|key| (name(key), i64::from(key))).collect();
        let mut other_value = object.clone();
        other_value.insert(name(0), -1);
        let mut other_key = object.clone();
        other_key.remove(&name(0));
        other_key.insert("another key", 0);
        let mut more = object.clone();
        more.insert("another key", 0);
        for other in [&other_value, &other_key, &more] {
            assert_ne!(&object, other);
            assert_ne!(other, &object);
        }
        assert_eq!(object, object.clone());
    }
}

#[test]
fn members_are_reached_and_changed_in_every_way() {
    let mut object = Object::with_capacity(2);
    assert!(object.is_empty());
    object.insert("a", 1);
    object.insert("b", 2);
    *object.get_mut("a").unwrap() = Value::from("x");
    assert_eq!(object.get_mut("c"), None);
    object
        .values_mut()
        .for_each(|value| *value = Value::from([value.clone()]));
    assert_eq!(
        format!("{object:?}"),
        r#"{"a": Array([String("x")]), "b": Array([Int(2)])}"#
    );
    assert_eq!(object.values().len(), 2);
    assert_eq!(
        object.iter().next_back().map(|(key, _)| key.clone()),
        Some(Text::from("b"))
    );
    assert_eq!((&object).into_iter().len(), 2);
    let keys: Vec<Text> = object.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b"]);
}
