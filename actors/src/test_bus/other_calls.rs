//! Sees the calls of a plugin under test that handle no message and are no tick: `from_params`, `started`, `stop`.
//!
//! Both witnesses have one. It knows who panicked, for how long a call kept its thread, and which did not return.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;

use super::witness::Stretch;
use crate::hosted::panic_text;

/// What came of the calls around those that do the work.
#[derive(Default)]
pub(crate) struct OtherCalls {
    /// Whether the stretches for which a call keeps its thread are measured.
    times: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    longest: Option<(Duration, &'static str)>,
    first_panic: Option<(&'static str, String)>,
    /// Those that have begun and not returned.
    open: Vec<&'static str>,
}

impl OtherCalls {
    /// Measures from now on for how long a call keeps its thread.
    pub(crate) fn take_times(&self) {
        self.times.store(true, Ordering::Relaxed);
    }

    /// The longest time for which a call has kept its thread, and which it was.
    pub(crate) fn longest(&self) -> Option<(Duration, &'static str)> {
        self.state().longest
    }

    /// The first call that panicked, and its words.
    pub(crate) fn first_panic(&self) -> Option<(&'static str, String)> {
        self.state().first_panic.clone()
    }

    /// The first call that has begun and not returned: it goes on, or was cut off.
    pub(crate) fn open(&self) -> Option<&'static str> {
        self.state().open.first().copied()
    }

    /// Attends a call, and ends it as it ends.
    pub(crate) async fn attend<T>(&self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.state().open.push(name);
        let ended = self.watch(name, call).await;
        let mut state = self.state();
        if let Some(index) = state.open.iter().position(|it| *it == name) {
            state.open.remove(index);
        }
        ended
    }

    /// As [`OtherCalls::attend`], for a call that may be dropped at any time. Cancel-safe if that is.
    pub(crate) async fn watch<T>(&self, name: &'static str, call: impl Future<Output = T>) -> T {
        let times = self.times.load(Ordering::Relaxed);
        let mut call = std::pin::pin!(AssertUnwindSafe(call).catch_unwind());
        let ended = poll_fn(|task| {
            let stretch = times.then(Stretch::begin);
            let polled = call.as_mut().poll(task);
            // Showing a panic takes time that is not the plugin's.
            if let (Some(stretch), false) = (stretch, matches!(polled, Poll::Ready(Err(_)))) {
                let (stretch, mut state) = (stretch.end(), self.state());
                state.longest = state.longest.max(Some((stretch, name)));
            }
            polled
        });
        ended.await.unwrap_or_else(|panic| {
            let text = panic_text(&*panic);
            self.state().first_panic.get_or_insert((name, text));
            resume_unwind(panic)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
