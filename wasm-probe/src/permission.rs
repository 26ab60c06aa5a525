//! Local Network Access (WICG): some browsers let a page reach a space that is nearer than its own only where the user permits
//! it, and hide that this is why a dial fails.

use std::{rc::Rc, time::Duration};

use futures::future::{Either, select};
use js_sys::{Object, Promise, Reflect};
use p2p_probe::{
    engine::Fault,
    model::Cause,
    plan::{Guard, Permitted, Planned, Space},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::platform::{get, member, method, sleep};

/// The permissions, by the space that each opens. A browser that asks for both under one name does not tell them apart, and
/// guards no WebSocket yet (Chromium before 145): it says nothing here.
const NAMES: [(Space, &str); 2] = [(Space::Loopback, "loopback-network"), (Space::Local, "local-network")];

/// Where it is not certain.
const UNKNOWN: &str = "this page has no permission for the local network, which may be why";

/// How long a browser may take to say what it permits: it looks into its own settings.
const ANSWER: Duration = Duration::from_millis(500);

/// What the browser says while a run lasts. Where it says nothing, nothing is concluded.
#[derive(Default)]
pub(crate) struct Permissions {
    page: Option<Space>,
    /// `PermissionStatus` objects, whose state follows what the user does.
    states: Vec<(Space, JsValue)>,
}

impl Permissions {
    /// Asks the browser, which asks nobody.
    pub(crate) async fn ask() -> Self {
        let page = member(&["location", "hostname"]).as_string().and_then(|host| Space::of_host(&host));
        let mut states = Vec::new();
        for (space, name) in NAMES {
            states.extend(query(name).await.map(|status| (space, status)));
        }
        Self { page, states }
    }

    fn state(&self, space: Option<Space>) -> Option<Permitted> {
        let (_, status) = self.states.iter().find(|(known, _)| Some(*known) == space)?;
        get(status, "state").as_string()?.parse().ok()
    }
}

/// Looks after one dial.
#[derive(Clone)]
pub(crate) struct Watch {
    permissions: Rc<Permissions>,
    target: Option<Space>,
    before: Option<Permitted>,
}

impl Watch {
    /// Of a dial that begins now.
    pub(crate) fn of(permissions: &Rc<Permissions>, planned: &Planned) -> Self {
        let target = Space::of_host(&planned.host());
        Self { permissions: Rc::clone(permissions), target, before: permissions.state(target) }
    }

    /// What the permission has to do with it, as far as can be told now.
    pub(crate) fn guard(&self) -> Guard {
        Guard::of(self.permissions.page, self.target, self.before, self.permissions.state(self.target))
    }

    /// The cause where nothing was let through; `otherwise` where that is not certain.
    pub(crate) fn or(&self, otherwise: Cause) -> Cause {
        if self.guard() == Guard::Shut { Cause::PermissionNeeded } else { otherwise }
    }

    /// The same of a fault whose reason the browser hides.
    pub(crate) fn explain(&self, fault: Fault) -> Fault {
        if fault.cause != Cause::Opaque {
            return fault;
        }
        match self.guard() {
            Guard::Open => fault,
            Guard::Unknown => {
                let words = fault.message.iter().map(String::as_str).chain([UNKNOWN]);
                let words = words.collect::<Vec<_>>().join("; ");
                fault.say(&words)
            }
            Guard::Shut => Fault { cause: Cause::PermissionNeeded, ..fault },
        }
    }
}

/// A `PermissionStatus`; none where the browser does not know the permission.
async fn query(name: &str) -> Option<JsValue> {
    let permissions = member(&["navigator", "permissions"]);
    let query = method(&permissions, "query")?;
    let descriptor = Object::new();
    Reflect::set(&descriptor, &"name".into(), &name.into()).ok()?;
    let promise: Promise = query.call1(&permissions, &descriptor).ok()?.dyn_into().ok()?;
    match select(JsFuture::from(promise), sleep(ANSWER)).await {
        Either::Left((status, _)) => status.ok(),
        Either::Right(_) => None,
    }
}
