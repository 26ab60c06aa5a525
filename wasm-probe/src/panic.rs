//! A panic ends this instance of the program: every run that is open hears of it, and every later call.

use std::{
    cell::{Cell, RefCell},
    panic::PanicHookInfo,
    sync::Once,
};

use js_sys::{Error, Function};
use wasm_bindgen::JsValue;

thread_local! {
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
    static OPEN: RefCell<Vec<(u32, Function)>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u32> = const { Cell::new(0) };
}

/// Notes panics from here on. The error is that of an earlier one: memory may be in any state then.
pub(crate) fn guard() -> Result<(), JsValue> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(note)));
    MESSAGE.with_borrow(|message| message.as_ref().map_or(Ok(()), |message| Err(error(message))))
}

/// A call that has not come back: a panic rejects it.
pub(crate) struct Open(u32);

impl Open {
    /// Notes how to reject it.
    pub(crate) fn new(reject: &Function) -> Self {
        let number = LAST.get().wrapping_add(1);
        LAST.set(number);
        OPEN.with_borrow_mut(|open| open.push((number, reject.clone())));
        Self(number)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.retain(|(number, _)| *number != self.0));
    }
}

fn note(info: &PanicHookInfo<'_>) {
    let message = info.to_string();
    // The panic may have come from within one of these.
    let open = OPEN.with(|open| open.try_borrow_mut().map(|mut open| std::mem::take(&mut *open)).unwrap_or_default());
    for (_, reject) in open {
        // Only a promise settles; nobody is called before this program has come back.
        let _ = reject.call1(&JsValue::NULL, &error(&message));
    }
    MESSAGE.with(|told| {
        if let Ok(mut told) = told.try_borrow_mut() {
            *told = Some(message);
        }
    });
}

fn error(message: &str) -> JsValue {
    let sentence = format!("p2p-probe has a defect and stopped: {message}. Load it anew to go on.");
    let error = Error::new(&sentence);
    error.set_name("DefectError");
    error.into()
}
