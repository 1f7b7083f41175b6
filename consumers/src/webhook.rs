//! The consumer that posts each message to a web server.
//!
//! By reqwest. How often a message is tried again, and how many requests there are at a time, are the
//! settings `retry` and `workers` of every consumer.

mod params;

use std::fmt;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fedmsg::with_causes;
use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, RateLimit};
use fedmsg_config::{Config, ParamsError};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::debug;

pub use self::params::{Secret, SecretError, WebhookParams};
use crate::message_template::MessageWriter;

/// How long until there is a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, so that its connection can be used again; nobody looks at it.
const MAX_ANSWER: u64 = 16 * 1024;

/// How long an answer is read.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Why a webhook cannot be built, or has not taken a message. None of the texts has the URL in it.
#[derive(Debug, Error)]
enum WebhookError {
    #[error("`url` is no URL of a web server: expected http:// or https://")]
    Url,
    #[error("`{0}` is no name of a header, or has a value that no header may have")]
    Header(String),
    #[error("`{header}`: {source}")]
    Secret { header: String, source: SecretError },
    #[error("it is empty")]
    NoKey,
    #[error("cannot be signed: {0}")]
    Sign(#[from] ErrorStack),
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Unreachable(String),
}

/// Posts each message to a web server.
///
/// | the server answers | the message |
/// |---|---|
/// | 2xx | is consumed |
/// | 408, 425, 429 or 5xx, not in time, or not at all | is tried again, as `retry` says, or after the pause that the server asks for (`Retry-After`) if that is longer |
/// | anything else, a redirection too | is dropped |
///
/// A redirection that has the message posted again to the same server, 307 or 308, is followed if
/// `redirects` allows it.
///
/// What the server answers beside its status is not looked at. A message of which the template can make
/// nothing is dropped. With a request go `X-Fedmsg-Topic` and `X-Fedmsg-Msg-Id`, where they can be
/// written in a header: a message may come twice, and the identifier is then the same.
///
/// ```no_run
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::Webhook;
///
/// let settings = r#"params.url = "http://127.0.0.1:8080/hook"
///                   params.body = '{"text": {{ subtitle | tojson }}}'"#;
/// let report = TestBus::new().consumer::<Webhook>("chat", settings).run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "tea").await;
///     bus.settle().await;
/// });
/// assert!(report.is_clean());
/// ```
pub struct Webhook {
    client: Client,
    url: Url,
    headers: HeaderMap,
    body: MessageWriter,
    key: Option<(HeaderName, PKey<Private>)>,
    timeout: Duration,
    max_pause: Duration,
    limit: RateLimit,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Consumer for Webhook {
    const KIND: &'static str = "webhook";
    const ABOUT: &'static str = "Posts each message to a web server";
    type Params = WebhookParams;

    async fn from_params(
        params: WebhookParams,
        context: &ConsumerContext,
    ) -> Result<Self, BoxError> {
        let url = url(&params)?;
        let body = MessageWriter::new("body", params.body.clone(), context.config())?;
        // Secrets are in files, which may be slow, and so are the certificates of the system.
        let (read, is_https) = (params.clone(), url.scheme() == "https");
        let read = spawn_blocking(move || {
            let headers = headers(&read, Secret::read)?;
            let key = key(&read, Secret::read)?;
            let client = Client::builder()
                .https_only(is_https)
                .timeout(read.timeout)
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(redirection(read.redirects))
                .user_agent(concat!("fedmsg/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(unreachable)?;
            Ok::<_, BoxError>((headers, key, client))
        });
        let (headers, key, client) = read.await??;
        Ok(Self {
            client,
            url,
            headers,
            body,
            key,
            timeout: params.timeout,
            max_pause: params.max_pause,
            limit: RateLimit::of(params.rate, params.burst),
        })
    }

    fn preflight(params: &WebhookParams, _: &Config) -> Result<(), BoxError> {
        url(params)?;
        headers(params, Secret::foresee)?;
        key(params, Secret::foresee)?;
        Ok(())
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let body = self.body.write(delivery.envelope());
        let body = body.map_err(ConsumeError::drop)?;
        let mut headers = self.headers.clone();
        if let Some((name, key)) = &self.key {
            let signature = sign(key, &body).map_err(ConsumeError::drop)?;
            headers.insert(name.clone(), signature);
        }
        for (name, value) in [
            ("x-fedmsg-topic", Some(delivery.topic().as_str())),
            ("x-fedmsg-msg-id", delivery.msg_id()),
        ] {
            let value = value.and_then(|value| HeaderValue::from_str(value).ok());
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        self.limit.ready().await;
        let request = self.client.post(self.url.clone());
        let answer = request.headers(headers).body(body).send().await;
        let answer = answer.map_err(|error| match error.is_timeout() {
            true => ConsumeError::retry(WebhookError::Timeout(self.timeout)),
            false if error.is_builder() || error.is_redirect() => {
                ConsumeError::drop(unreachable(error))
            }
            false => ConsumeError::retry(unreachable(error)),
        })?;
        let status = answer.status();
        let judged = self.judge(status, answer.headers());
        finish(answer).await;
        debug!(topic = %delivery.topic(), status = status.as_u16(), "posted");
        judged
    }
}

impl Webhook {
    /// What becomes of a message that the server has answered so.
    fn judge(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), ConsumeError> {
        let error = WebhookError::Status(status.as_u16());
        match status.as_u16() {
            200..=299 => Ok(()),
            408 | 425 | 429 | 500.. => {
                let pause = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
                match pause.and_then(|it| retry_after(it, SystemTime::now())) {
                    Some(pause) => {
                        let pause = pause.min(self.max_pause);
                        Err(ConsumeError::retry_no_sooner(pause, error))
                    }
                    None => Err(ConsumeError::retry(error)),
                }
            }
            _ => Err(ConsumeError::drop(error)),
        }
    }
}

/// Reads a short answer to its end, so that the connection can be used again.
async fn finish(mut answer: Response) {
    if answer
        .content_length()
        .is_some_and(|length| length <= MAX_ANSWER)
    {
        let read = async { while let Ok(Some(_)) = answer.chunk().await {} };
        let _ = timeout(ANSWER_TIME, read).await;
    }
}

/// How long a server wants to be left alone: seconds or a date (RFC 9110 §10.2.3).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    let date = SystemTime::from(date.timestamp());
    Some(date.duration_since(now).unwrap_or_default())
}

/// Follows so many redirections that have the same request sent again to the same origin: at 301, 302 and 303
/// a POST becomes a GET without a body (RFC 9110 §15.4), whose success says nothing, and another server must
/// not see the headers. Any other is an answer as it is.
fn redirection(most: u8) -> Policy {
    Policy::custom(move |attempt| {
        let is_same = matches!(
            attempt.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let before = attempt.previous();
        let stays = |from: &Url| from.origin() == attempt.url().origin();
        if is_same && before.last().is_some_and(stays) && before.len() <= usize::from(most) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// Where it posts to.
fn url(params: &WebhookParams) -> Result<Url, ParamsError> {
    let url = Url::parse(&params.url).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| ParamsError::invalid("url", WebhookError::Url))
}

/// How a secret is had.
type Reading = fn(&Secret) -> Result<String, SecretError>;

/// The headers that each request has.
fn headers(params: &WebhookParams, reading: Reading) -> Result<HeaderMap, ParamsError> {
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_str(&params.content_type).map_err(|_| {
        let error = WebhookError::Header("content_type".to_owned());
        ParamsError::invalid("content_type", error)
    })?;
    headers.insert(CONTENT_TYPE, content_type);
    for (name, value) in &params.headers {
        let invalid = |error| ParamsError::invalid(["headers", name], error);
        let (name, value) = header(name, value).map_err(invalid)?;
        headers.insert(name, value);
    }
    for (name, secret) in &params.secrets {
        let invalid = |error| ParamsError::invalid(["secrets", name], error);
        let value = read(name, secret, reading).map_err(invalid)?;
        let (name, mut value) = header(name, &value).map_err(invalid)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), WebhookError> {
    let wrong = || WebhookError::Header(name.to_owned());
    let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    Ok((name, value))
}

fn read(name: &str, secret: &Secret, reading: Reading) -> Result<String, WebhookError> {
    reading(secret).map_err(|source| WebhookError::Secret {
        header: name.to_owned(),
        source,
    })
}

/// The key that signs, and the header that the signature is in.
fn key(
    params: &WebhookParams,
    reading: Reading,
) -> Result<Option<(HeaderName, PKey<Private>)>, ParamsError> {
    let Some(secret) = &params.signing_key else {
        return Ok(None);
    };
    let invalid = |error| ParamsError::invalid("signing_key", error);
    let secret = reading(secret).map_err(|error| ParamsError::invalid("signing_key", error))?;
    if secret.is_empty() {
        return Err(invalid(WebhookError::NoKey));
    }
    let key = PKey::hmac(secret.as_bytes()).map_err(|error| invalid(error.into()))?;
    let name = header(&params.signature_header, "");
    let (name, _) = name.map_err(|error| ParamsError::invalid("signature_header", error))?;
    Ok(Some((name, key)))
}

fn sign(key: &PKey<Private>, body: &[u8]) -> Result<HeaderValue, WebhookError> {
    let mut signer = Signer::new(MessageDigest::sha256(), key)?;
    let mut text = "sha256=".to_owned();
    for byte in signer.sign_oneshot_to_vec(body)? {
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::from_str(&text).map_err(|_| WebhookError::Header("signature".to_owned()))
}

fn unreachable(error: reqwest::Error) -> WebhookError {
    WebhookError::Unreachable(with_causes(error))
}

#[cfg(test)]
mod tests;
