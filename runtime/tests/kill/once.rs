//! Scenes of `Once`: whoever waits goes on, and it is done in the end, again if the one who did it died before it was
//! over.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use offspring::Shared;
use offspring::sync::Once;

use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<Doing>(), scene::<BehindTheDead>()];

/// Something to do once, and how often it has been done to the end.
type Work = (Once, AtomicU32);

fn set_up() -> Shared<Work> {
    warm();
    Shared::new((Once::new(), AtomicU32::new(0))).expect("memory")
}

/// Whether it was this call that did it.
fn work(work: &Work) -> bool {
    let before = AtomicU32::new(0);
    work.0.call_once(|| before.store(1 + work.1.fetch_add(1, SeqCst), SeqCst)).unwrap();
    before.into_inner() > 0
}

fn sleeper(it: &Work) -> Helper {
    Helper::asleep(|| u8::from(work(it)))
}

/// It is done, by one of the survivors if not by the victim, once by each of them at most.
fn judge(it: &Work, sleepers: Vec<Helper>, death: &Death) -> Duration {
    let survivors: u8 = sleepers.into_iter().map(Helper::end).sum();
    let took = death.age();
    let survivors = u32::from(survivors) + u32::from(work(it));
    assert!(it.0.is_completed());
    let victims = it.1.load(SeqCst) - survivors;
    assert!(survivors <= 1 && victims <= 1 && survivors + victims >= 1);
    // Once it has returned, it is done.
    assert!(!death.over || survivors == 0 || victims == 0);
    took
}

/// Does it, while others wait who came a little later.
struct Doing(Shared<Work>, Vec<Helper>);

impl Scene for Doing {
    const NAME: &'static str = "once: call_once, two asleep behind it";
    // It waits in its closure until the others have come.
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if scene.1.is_empty() {
            scene.1 = vec![sleeper(&scene.0), sleeper(&scene.0)];
        }
    });

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        let body = || {
            std::thread::sleep(Duration::from_millis(20));
            self.0.1.fetch_add(1, SeqCst);
        };
        Victim::new(|| (), move |(), _| self.0.0.call_once(body).unwrap())
    }
    fn aftermath(self, death: &Death) -> Duration {
        judge(&self.0, self.1, death)
    }
}

/// Waits for another one who is killed in the middle of it.
struct BehindTheDead(Shared<Work>, Option<Helper>, Vec<Helper>);

impl Scene for BehindTheDead {
    const NAME: &'static str = "once: call_once, asleep behind one who is killed";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        if let Some(doing) = scene.1.take() {
            scene.2.push(sleeper(&scene.0));
            doing.kill();
        }
    });

    fn set() -> Self {
        let it = set_up();
        let stay = || -> () {
            loop {
                nix::unistd::pause();
            }
        };
        let doing = Helper::asleep(|| u8::from(it.0.call_once(stay).is_err()));
        Self(it, Some(doing), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| _ = work(&self.0))
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        if let Some(doing) = self.1.take() {
            self.2.push(sleeper(&self.0));
            doing.kill();
        }
        judge(&self.0, self.2, death)
    }
}
