//! Time, given from outside.

use std::{fmt, rc::Rc, time::Duration};

use futures::future::LocalBoxFuture;

use crate::model::Micros;

/// What a session needs of time: the runtime tells it.
#[derive(Clone)]
pub struct Clock {
    now: Rc<dyn Fn() -> Micros>,
    sleep: Rc<dyn Fn(Duration) -> LocalBoxFuture<'static, ()>>,
}

impl Clock {
    /// A clock of a monotonic `now` and a `sleep`.
    pub fn new(now: impl Fn() -> Micros + 'static, sleep: impl Fn(Duration) -> LocalBoxFuture<'static, ()> + 'static) -> Self {
        Self { now: Rc::new(now), sleep: Rc::new(sleep) }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Micros {
        (self.now)()
    }

    /// Ends after `span`.
    #[must_use]
    pub fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        (self.sleep)(span)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
