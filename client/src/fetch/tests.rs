//! What errors say, and where a server may send us.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[test]
fn parameters_are_encoded() {
    let fetch = Fetch::new("https://example.org/a/id?x=1").unwrap();
    let fetch = fetch.parameter("id", "2026-ä/&=%\n#");
    assert_eq!(
        fetch.url.as_str(),
        "https://example.org/a/id?x=1&id=2026-%C3%A4%2F%26%3D%25%0A%23"
    );
}

#[test]
fn what_is_no_url_of_a_web_server_is_refused() {
    for bad in [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
    ] {
        let refused = Fetch::new(bad);
        assert!(matches!(refused, Err(FetchError::Url { .. })), "{bad}");
    }
    let refused = Fetch::new("ftp://example.org/?token=hunter2").unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}

/// Starts a server that says this to whoever comes, and returns the beginning of its URLs.
async fn server(answer: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn no_error_tells_the_url() {
    async fn check(answer: &str) {
        let url = format!("{}/?token=hunter2", server(answer.to_owned()).await);
        let error = Fetch::new(&url).unwrap().send().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    check("").await;
    check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
    for location in [
        "/?token=hunter2",
        "ftp://127.0.0.1/?token=hunter2",
        "http://h:x/?hunter2",
    ] {
        check(&format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")).await;
    }
}

#[test]
fn only_what_may_pass_is_worth_another_attempt() {
    let status = |status| FetchError::Status { status }.is_transient();
    assert!(status(500) && status(503) && !status(404) && !status(301) && !status(204));
    let timeout = TIMEOUT;
    assert!(FetchError::Timeout { timeout }.is_transient());
    let limit = MAX_SIZE;
    assert!(!FetchError::TooLarge { limit }.is_transient());
}

#[tokio::test]
async fn headers_are_shown_to_nobody_else() {
    let moved = |to: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    let there = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    let elsewhere = server(there.to_owned()).await;
    let fetch = Fetch::new(&server(moved(&elsewhere)).await).unwrap();
    assert_eq!(fetch.send().await.unwrap(), b"hi");
    let refused = fetch.header("x-token", "hunter2").unwrap().send().await;
    assert!(matches!(refused, Err(FetchError::Redirect { .. })));
    // Within the server it still is followed, here in circles.
    let fetch = Fetch::new(&server(moved("/")).await).unwrap();
    let refused = fetch.header("x-token", "hunter2").unwrap().send().await;
    let reason = refused.unwrap_err().to_string();
    assert!(reason.contains("too many redirects"), "{reason}");
}

/// How long the processor has worked for this thread.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_thread_that_asks_reads_no_certificates() {
    let there = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    let fetch = Fetch::new(&server(there.to_owned()).await).unwrap();
    drop(Client::new()); // OpenSSL has much to do the first time
    let before = worked();
    drop(Client::new());
    let reading = worked() - before;
    if reading < Duration::from_millis(5) {
        return eprintln!("skipped: this machine has hardly any certificates");
    }
    let mut longest = Duration::ZERO;
    let mut asking = std::pin::pin!(fetch.send());
    let answer = std::future::poll_fn(|context| {
        let before = worked();
        let polled = asking.as_mut().poll(context);
        longest = longest.max(worked() - before);
        polled
    });
    assert_eq!(answer.await.unwrap(), b"hi");
    assert!(longest < reading / 4, "{longest:?} of {reading:?}");
}

#[tokio::test]
async fn no_cause_tells_the_url() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    let url = server(moved.to_owned()).await;
    // As from https to where there is no TLS: an error of reqwest is the cause of another.
    let refused = reqwest::get("ftp://127.0.0.1/?token=hunter2").await;
    let refused = Mutex::new(refused.err());
    let policy = Policy::custom(move |attempt| match refused.lock().unwrap().take() {
        Some(refused) => attempt.error(refused),
        None => attempt.stop(),
    });
    let client = Client::builder().redirect(policy).build().unwrap();
    let text = with_causes(client.get(url).send().await.unwrap_err());
    assert!(
        text.contains("scheme") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn debugging_shows_no_secret() {
    let fetch = Fetch::new("https://user:hunter2@example.org/?token=hunter2").unwrap();
    let fetch = fetch.header("Authorization", "hunter2").unwrap();
    let shown = format!("{fetch:?}");
    assert!(shown.contains("example.org"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
