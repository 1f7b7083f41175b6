//! The producer that publishes what its configuration says, with what it knows put in.
//!
//! [`MsgTemplate`] is the payload; templates are those of the whole project, on their leash.

mod msg_template;

use fedmsg_actors::{BoxError, ParamsError, Producer, ProducerContext};
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::msg_template::MsgTemplate;
use crate::announcer::Announcer;
use crate::topic_template::TopicTemplate;

/// What `[producers.NAME.params]` may say for kind `template`.
///
/// ```
/// let params: fedmsg_producers::TemplateParams = toml::from_str(
///     r#"topic = "ops.shift"
///        msg = { text = "Shift {{ count }} begins at {{ now | strftime('%H:%M') }}", n = "{{ count }}" }"#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateParams {
    /// The payload: a table, or another value, in which every text is a template. One that is a single
    /// expression, such as "{{ count }}", becomes what that is: a number stays a number. Templates may name
    /// `count` (from 1), `now` and `now_ms` (since the epoch; `{{ now | strftime("%F %T") }}`, UTC), `iso`
    /// ("2026-01-31T12:00:00Z"), `host`, `user`, `process`, `pid`, `name` (of this producer) and
    /// `environment`. Required.
    pub msg: MsgTemplate,
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words, which may name
    /// `msg` as well. Default "{{ name }}.message".
    #[serde(default)]
    pub topic: Option<TopicTemplate>,
}

/// Publishes a message made of templates.
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::TemplateProducer;
///
/// let settings = "every = '1h'\nparams.msg = { text = 'It is {{ iso }}', n = '{{ count * 2 }}' }";
/// TestBus::new().producer::<TemplateProducer>("clock", settings).run(async |bus| {
///     bus.advance(Duration::from_secs(3600)).await;
///     let message = bus.next_published().await;
///     assert_eq!(message.topic().as_str(), "com.example.dev.clock.message");
///     let text = message.msg().get("text").and_then(|text| text.as_str());
///     assert_eq!(text, Some("It is 2026-01-01T01:00:00Z"));
///     assert_eq!(message.msg().get("n").and_then(|n| n.as_i64()), Some(2));
/// });
/// ```
pub struct TemplateProducer {
    msg: MsgTemplate,
    announcer: Announcer,
}

impl Producer for TemplateProducer {
    const KIND: &'static str = "template";
    const ABOUT: &'static str = "Publishes a message made of templates";
    type Params = TemplateParams;

    async fn from_params(
        params: TemplateParams,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        Ok(Self {
            msg: params.msg,
            announcer: Announcer::open(params.topic, "message", context).await?,
        })
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let msg = self.msg.render(&self.announcer.variables(context));
        let msg = msg.map_err(|error| ParamsError::invalid("msg", error))?;
        self.announcer.announce(msg, context).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fedmsg::json::to_spaced;
    use fedmsg_actors::TestBus;

    use super::*;

    #[test]
    fn two_of_a_kind_count_for_themselves_and_topics_see_the_payload() {
        let settings = "every = '1h'\nparams = { topic = '{{ name }}.{{ msg.half }}.x', \
                        msg = { half = \"{{ 'even' if count is even else 'odd' }}\", n = '{{ count }}' } }";
        let bus = TestBus::new()
            .producer::<TemplateProducer>("a", settings)
            .producer::<TemplateProducer>("b", &settings.replace("'1h'", "'2h'"));
        bus.run(async |bus| {
            bus.advance(Duration::from_secs(2 * 3600)).await;
            let mut seen = Vec::new();
            for _ in 0..3 {
                let message = bus.next_published().await;
                let topic = message.topic().as_str().replace("com.example.dev.", "");
                seen.push(format!("{topic} {}", to_spaced(message.msg()).unwrap()));
            }
            seen.sort();
            let expected = [
                r#"a.even.x {"half": "even", "n": 2}"#,
                r#"a.odd.x {"half": "odd", "n": 1}"#,
                r#"b.odd.x {"half": "odd", "n": 1}"#,
            ];
            assert_eq!(seen, expected);
        });
    }

    #[test]
    fn a_template_that_fails_now_and_then_costs_those_ticks() {
        // There is no number to divide by in every other hour.
        let settings = "every = '1h'\nparams.msg = '{{ 6 // (now % 7200) }}'";
        let bus = TestBus::new().producer::<TemplateProducer>("a", settings);
        let report = bus.run(async |bus| bus.advance(Duration::from_secs(4 * 3600)).await);
        let status = report.status.producer("a").unwrap();
        assert_eq!((status.ticks, status.failures), (2, 2));
    }

    #[test]
    fn an_unknown_variable_is_refused_at_the_start_with_its_key() {
        let settings = "every = '1h'\nparams.msg = { a = [1, { b = '{{ hots }}' }] }";
        let bus = TestBus::new().producer::<TemplateProducer>("x", settings);
        let error = bus.try_run(async |_| ()).unwrap_err().to_string();
        assert!(error.contains("producers.x.params.msg"), "{error}");
        assert!(
            error.contains("/a/1/b: line 1, column 4: there is no hots"),
            "{error}"
        );
    }
}
