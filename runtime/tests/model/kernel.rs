//! The model of the kernel: who sleeps on what, what each thread holds, and what happens when one dies.
//!
//! All threads of a run are coroutines of one real thread, so that this state needs no lock of its own; between two calls
//! of [`point`] nobody else runs.

use real::any::Any;
use real::cell::{Cell, RefCell};
use real::collections::BTreeMap;
use real::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use real::time::Duration;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::thread;

use crate::sync::atomic::AtomicU32;

/// What the lock words and the kernel have agreed on.
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const TID_MASK: u32 = 0x3fff_ffff;

/// In so many of its own operations, a thread that is to die dies: soon, or later.
const LIVES: [u32; 2] = [40, 200];
/// What the dead may still do while their stacks are cleared.
const TWITCHES: u32 = 100_000;

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Killed,
}

/// What a killed thread unwinds with.
struct Killed;

#[derive(Default)]
struct Task {
    /// After how many operations more it dies.
    fuse: Option<u32>,
    condemned: bool,
    dead: bool,
    twitches: u32,
    /// Its robust list, and what is pending: addresses of words.
    list: Vec<usize>,
    pending: usize,
    /// The words that it sleeps on.
    asleep: Vec<usize>,
    handle: Option<thread::Thread>,
    /// A wait with an end has come to it.
    time_up: bool,
}

#[derive(Default)]
struct Kernel {
    tasks: BTreeMap<u32, Task>,
    started: u32,
    /// What each thread keeps for itself, by the address of what it stands for.
    locals: BTreeMap<(u32, usize), Box<dyn Any>>,
    /// Who sleeps, the longest first.
    sleepers: Vec<u32>,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::new(Kernel::default());
}

fn with<R>(body: impl FnOnce(&mut Kernel) -> R) -> R {
    KERNEL.with(|kernel| body(&mut kernel.borrow_mut()))
}

fn with_me<R>(body: impl FnOnce(&mut Task) -> R) -> R {
    let me = tid();
    with(|kernel| body(kernel.tasks.entry(me).or_default()))
}

/// A new run.
pub(crate) fn reset() {
    with(|kernel| *kernel = Kernel::default());
}

/// The calling thread's id.
pub(crate) fn tid() -> u32 {
    u32::try_from(usize::from(shuttle::current::me())).expect("a few threads") + 1
}

/// Somebody else may have a turn, and the caller may die here. False: it is dead already.
pub(crate) fn point() -> bool {
    if is_dead(tid()) {
        with_me(|me| {
            me.twitches += 1;
            if me.twitches > TWITCHES {
                eprintln!("the clearing of a dead thread's stack never ends");
                real::process::abort();
            }
        });
        return false;
    }
    pass();
    let dies = with_me(|me| {
        let burnt = me.fuse.is_some_and(|fuse| fuse == 0);
        me.fuse = me.fuse.map(|fuse| fuse.saturating_sub(1));
        burnt || me.condemned
    });
    if dies {
        die();
    }
    true
}

/// Says what the calling thread does with a word, when a schedule is repeated (`OFFSPRING_SCHEDULE`).
#[track_caller]
pub(crate) fn tell<W>(word: &W, what: real::fmt::Arguments<'_>) {
    if real::env::var_os("OFFSPRING_SCHEDULE").is_some() {
        let at = real::panic::Location::caller();
        let (file, line) = (at.file().rsplit('/').next().unwrap_or_default(), at.line());
        println!("{:2} {file}:{line}: {:p} {what}", tid(), real::ptr::from_ref(word));
    }
}

/// Somebody else may have a turn.
fn pass() {
    thread::sleep(Duration::ZERO);
}

pub(crate) fn is_dead(tid: u32) -> bool {
    with(|kernel| kernel.tasks.get(&tid).is_some_and(|task| task.dead))
}

/// One of so many, drawn.
pub(crate) fn draw(limit: u32) -> u32 {
    thread_rng().gen_range(0..limit)
}

/// A thread of the model.
pub(crate) struct Thread {
    handle: thread::JoinHandle<Ended>,
    tid: u32,
}

impl Thread {
    pub(crate) fn join(self) -> Ended {
        self.handle.join().expect("its panic has failed the run already")
    }

    pub(crate) fn is_dead(&self) -> bool {
        is_dead(self.tid)
    }
}

/// Starts a thread.
pub(crate) fn spawn(body: impl FnOnce() + Send + 'static) -> Thread {
    start(body, None)
}

/// Starts a thread that dies somewhere, if it does not come to its end before.
pub(crate) fn spawn_mortal(body: impl FnOnce() + Send + 'static) -> Thread {
    start(body, Some(draw_life()))
}

/// From here on, the calling thread dies somewhere, if it does not come to its end before.
pub(crate) fn become_mortal() {
    let life = draw_life();
    with_me(|me| me.fuse = Some(life));
}

fn draw_life() -> u32 {
    draw(LIVES[draw(2) as usize])
}

fn start(body: impl FnOnce() + Send + 'static, fuse: Option<u32>) -> Thread {
    let tid = with(|kernel| {
        // Ids follow each other, and only the first thread, whose id is 1, starts others.
        kernel.started += 1;
        kernel.tasks.insert(1 + kernel.started, Task { fuse, ..Task::default() });
        1 + kernel.started
    });
    let handle = thread::spawn(move || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => {
            retire();
            Ended::Well
        }
        Err(payload) if payload.is::<Killed>() => Ended::Killed,
        Err(payload) => resume_unwind(payload),
    });
    Thread { handle, tid }
}

/// The calling thread dies: first the kernel reads its list, then its stack goes, without consequence for anyone.
fn die() -> ! {
    tell(&(), format_args!("dies"));
    let (list, pending) = with_me(|me| {
        me.fuse = None;
        me.condemned = false;
        me.dead = true;
        (real::mem::take(&mut me.list), me.pending)
    });
    for address in list.into_iter().filter(|address| *address != pending) {
        pass();
        bury(address, false);
    }
    if pending != 0 {
        pass();
        bury(pending, true);
    }
    resume_unwind(Box::new(Killed));
}

/// The calling thread ends of itself: what it has still is membership, which nobody inherits (`sys::robust::leave`).
fn retire() {
    for address in with_me(|me| real::mem::take(&mut me.list)) {
        pass();
        let word = word_at(address);
        assert_eq!(word.peek() & TID_MASK, tid(), "on the list, and not held");
        let before = word.peek();
        word.poke(before & WAITERS);
        if before & WAITERS != 0 {
            wake_at(address, 1);
        }
    }
}

fn word_at(address: usize) -> &'static AtomicU32 {
    // SAFETY: what is on a list stays where it is (the models leak it).
    unsafe { &*real::ptr::with_exposed_provenance::<AtomicU32>(address) }
}

/// Waits for something that other threads bring about.
pub(crate) fn until(what: impl Fn() -> bool) {
    while !what() {
        thread::yield_now();
    }
}

/// Waits until something has happened, or nothing more seems to happen; whether it has.
pub(crate) fn until_or_quiet(what: impl Fn() -> bool) -> bool {
    for _ in 0..300 {
        if what() {
            return true;
        }
        thread::yield_now();
    }
    false
}

/// How many sleep at this moment.
pub(crate) fn count_asleep() -> usize {
    with(|kernel| kernel.sleepers.len())
}

/// The kernel's `handle_futex_death`.
fn bury(address: usize, pending: bool) {
    let word = word_at(address);
    let value = word.peek();
    if pending && value & TID_MASK == 0 {
        wake_at(address, 1);
    } else if value & TID_MASK == tid() {
        word.poke(value & WAITERS | OWNER_DIED);
        if value & WAITERS != 0 {
            wake_at(address, 1);
        }
    }
}

/// What is on the calling thread's list: a change to it.
pub(crate) fn change_list(change: impl FnOnce(&mut Vec<usize>)) {
    if point() {
        with_me(|me| change(&mut me.list));
    }
}

/// Whether a word is on the calling thread's list.
pub(crate) fn is_listed(address: usize) -> bool {
    with_me(|me| me.list.contains(&address))
}

/// The calling thread announces another word, 0 for none; which it was before.
pub(crate) fn announce(address: usize) -> usize {
    if !point() {
        return 0;
    }
    with_me(|me| real::mem::replace(&mut me.pending, address))
}

/// Sleeps while the words hold what is expected; `ends` says that the wait has an end. False: that came.
pub(crate) fn sleep(words: &[(&AtomicU32, u32)], ends: bool) -> bool {
    if !point() || words.iter().any(|(word, expected)| word.peek() != *expected) {
        return true;
    }
    let (me, handle) = (tid(), thread::current());
    with(|kernel| {
        let task = kernel.tasks.entry(me).or_default();
        task.asleep = words.iter().map(|(word, _)| address_of(word)).collect();
        task.handle = Some(handle);
        kernel.sleepers.push(me);
    });
    tell(words[0].0, format_args!("sleeps, and on {} more", words.len() - 1));
    let mortal = with_me(|me| me.fuse.is_some()) && draw(3) == 0;
    let woken = loop {
        if ends || mortal {
            pass();
        } else {
            thread::park();
        }
        let dies_asleep = mortal && draw(6) == 0;
        with_me(|me| me.condemned |= dies_asleep);
        let (dies, asleep) = with_me(|me| (me.condemned, !me.asleep.is_empty()));
        if dies {
            get_up(me);
            die();
        }
        if !asleep {
            break true;
        }
        if ends && draw(8) == 0 {
            get_up(me);
            with_me(|me| me.time_up = true);
            break false;
        }
    };
    // Dead between the wake-up and the return.
    point();
    woken
}

fn get_up(tid: u32) {
    with(|kernel| {
        kernel.sleepers.retain(|sleeper| *sleeper != tid);
        kernel.tasks.entry(tid).or_default().asleep.clear();
    });
}

/// Whether a wait with an end has come to it, in the calling thread.
pub(crate) fn is_time_up() -> bool {
    with_me(|me| me.time_up)
}

/// Wakes some of those who sleep on a word, and says how many.
pub(crate) fn wake(word: &AtomicU32, count: usize) -> usize {
    if !point() {
        return 0;
    }
    let woken = wake_at(address_of(word), count);
    tell(word, format_args!("wakes {woken}"));
    woken
}

fn wake_at(address: usize, count: usize) -> usize {
    let woken = with(|kernel| {
        let Kernel { tasks, sleepers, .. } = kernel;
        let on = |tid: &u32| tasks.get(tid).is_some_and(|task| task.asleep.contains(&address));
        let woken: Vec<u32> = sleepers.iter().copied().filter(on).take(count).collect();
        sleepers.retain(|sleeper| !woken.contains(sleeper));
        let get_up = |tid: u32| {
            let task = tasks.entry(tid).or_default();
            task.asleep.clear();
            task.handle.clone()
        };
        woken.into_iter().filter_map(get_up).collect::<Vec<_>>()
    });
    woken.iter().for_each(thread::Thread::unpark);
    woken.len()
}

pub(crate) fn address_of(word: &AtomicU32) -> usize {
    real::ptr::from_ref(word).expose_provenance()
}

/// A cell of its own for each thread, as `thread_local!` makes them.
pub(crate) struct Local<T: 'static>(pub(crate) fn() -> Cell<T>);

impl<T: Copy + 'static> Local<T> {
    fn with<R>(&'static self, body: impl FnOnce(&Cell<T>) -> R) -> R {
        let key = (tid(), real::ptr::from_ref(self).addr());
        with(|kernel| {
            let local = kernel.locals.entry(key).or_insert_with(|| Box::new(self.0()));
            body(local.downcast_ref().expect("made here"))
        })
    }

    pub(crate) fn get(&'static self) -> T {
        self.with(Cell::get)
    }

    pub(crate) fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }
}
