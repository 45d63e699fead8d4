//! What a scene is, and how to write one.
//!
//! A scene is an operation, the world around it, and what must be true after a death in the middle of it. Each type
//! has a file of scenes here (`mutex.rs` shows all that can be done), whose `SCENES` are listed in `main.rs`:
//!
//! ```text
//! struct Setting { event: Shared<Event>, sleepers: Vec<Helper> }
//!
//! impl Scene for Setting {
//!     const NAME: &'static str = "event: set with two asleep";
//!     fn set() -> Self {
//!         warm();                         // so that the victim need not meet its kernel list for the first time
//!         Self { event: Shared::new(Event::new()).unwrap(), sleepers: Vec::new() }
//!     }
//!     fn memory(&self) -> Memory { Memory::of(&*self.event) }       // its changes are where to kill
//!     fn start(&self) -> Victim {
//!         Victim::new(|| (), |(), steps| { self.event.set(); steps.done(1); })
//!     }
//!     fn victim_is_ready(&mut self, _: &Victim) {
//!         let wait = || u8::from(!self.event.wait_timeout(DEADLINE));
//!         self.sleepers = (0..2).map(|_| Helper::asleep(wait)).collect();
//!     }
//!     fn aftermath(self, death: &Death) -> Duration {
//!         if death.step == 0 { self.event.set() }
//!         self.sleepers.into_iter().for_each(|it| assert_eq!(it.end(), 0));
//!         death.age()                     // measured before further checks that take their time
//!     }
//! }
//!
//! pub(crate) const SCENES: &[Entry] = &[scene::<Setting>()];
//! ```
//! What is different after an instruction is known where the scene's memory or the kernel's list has changed, or the kernel
//! was asked for something. Where that is all ([`Scene::BY_CALLS`]), steps are system calls instead of instructions. A victim that sleeps needs [`Scene::UNBLOCK`]. All sides are forks of one
//! process: closures may use whatever the scene has. Waiting has deadlines; helpers are killed by an alarm.
//! Take care that a survivor is not merely the next one to look: let it be asleep before the victim dies.
//! Run one scene by a part of its name: `cargo test --test kill -- 'event: set'`.

use std::sync::Once;
use std::time::Duration;

use offspring::Shared;
use offspring::sync::Mutex;

use crate::PATIENCE;
use crate::figures::PROMPT;
use crate::helper::Helper;
use crate::victim::{Death, Memory, Victim};

/// A name, and what runs under it.
pub(crate) type Entry = (&'static str, fn());

/// An operation, the world around it, and what must be true after a death in the middle of it.
pub(crate) trait Scene: Sized {
    const NAME: &'static str;
    /// What to do when the victim sleeps in the kernel, each time that it is seen so; `None` when it never does.
    const UNBLOCK: Option<fn(&mut Self)> = None;

    /// Only system calls change what outlives the victim: its steps are their beginnings and ends, not instructions.
    const BY_CALLS: bool = false;

    /// How many instructions to step through by default: a share of the points is tried if they were more.
    const PATIENCE: usize = PATIENCE;

    /// By default, go to where something changes in leaps (`leap.rs`): for operations that are the same each time, and never sleep.
    const LEAPS: bool = false;

    /// For what takes too long to step through even once: kill in leaps only, after each change of these words (by their numbers among
    /// the victim's traces).
    const ALONG: &'static [usize] = &[];

    /// A survivor that took longer was not woken, but looked for itself.
    const PROMPT: Duration = PROMPT;

    /// Fresh shared memory.
    fn set() -> Self;
    /// Where that is.
    fn memory(&self) -> Memory;
    /// The victim, standing before the operation.
    fn start(&self) -> Victim;
    /// What belongs to that thread now, seen from outside: [`Death::held`], [`Death::had`]. Asked after each instruction.
    fn holds(&self, _thread: u32) -> Vec<bool> {
        Vec::new()
    }
    /// The victim stands before the operation: others may take their places.
    fn victim_is_ready(&mut self, _victim: &Victim) {}
    /// The victim stands where it is going to be killed: others may look, as far as it lets them.
    fn victim_stands(&mut self) {}
    /// The victim is dead. Panics if what is left is not as it must be; says how long the slowest survivor took.
    fn aftermath(self, death: &Death) -> Duration;
}

/// What belongs to the victim now.
pub(crate) fn holding<S: Scene>(scene: &S, victim: &Victim) -> Vec<bool> {
    scene.holds(victim.id())
}

/// A scene for the list.
pub(crate) const fn scene<S: Scene>() -> Entry {
    (S::NAME, crate::run::<S>)
}

/// Has this process, and so its children, take a lock and wait for one for the first time.
pub(crate) fn warm() {
    static WARM: Once = Once::new();
    WARM.call_once(|| {
        let lock = Shared::new(Mutex::new(0_u32)).expect("memory");
        drop(lock.lock().expect("a new lock"));
        let holder = Helper::with(|| lock.lock());
        assert!(lock.try_lock_for(Duration::from_millis(1)).expect("held by another").is_none());
        holder.kill();
    });
}
