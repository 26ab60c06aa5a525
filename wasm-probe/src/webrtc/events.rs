//! Listening to events of the platform's objects.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::EventTarget;

/// A listener, removed when it is dropped.
pub(super) struct On {
    target: EventTarget,
    name: &'static str,
    listener: Closure<dyn FnMut(JsValue)>,
}

impl On {
    /// Calls `heard` for each event of that name. It is called by the platform alone, never from within a call of ours.
    pub(super) fn new(target: &JsValue, name: &'static str, heard: impl FnMut(JsValue) + 'static) -> Self {
        let target = target.clone().unchecked_into::<EventTarget>();
        let listener = Closure::<dyn FnMut(JsValue)>::new(heard);
        // It fails for what is no target of events, which then has none.
        let _ = target.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        Self { target, name, listener }
    }
}

impl Drop for On {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.name, self.listener.as_ref().unchecked_ref());
    }
}
