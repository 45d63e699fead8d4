//! `Shared<T>` and shared statics as a user sees them: values, slices, alignment, errors, and giving memory back.

#![allow(unsafe_code, reason = "implements Shareable for types of odd alignment by hand")]

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use nix::unistd::{close, dup, dup2_stderr, dup2_stdin, dup2_stdout};
use offspring::sync::Mutex;
use offspring::{__private as private, Error, Shareable, Shared, SharedStatic};

/// What `#[shared] static` expands into, by hand: these tests are about the runtime.
macro_rules! shared_static {
    ($name:ident: $type:ty = $value:expr) => {
        static $name: SharedStatic<$type> = {
            struct Init;
            #[allow(clippy::declare_interior_mutable_const)]
            impl private::StaticInit for Init {
                type Value = $type;
                const NAME: &'static str = concat!(module_path!(), "::", stringify!($name));
                const VALUE: $type = $value;
            }
            #[private::linkme::distributed_slice(private::STATICS)]
            #[linkme(crate = private::linkme)]
            static SLOT: private::StaticSlot = private::StaticSlot::of::<Init>();
            SharedStatic::new::<Init>(&SLOT)
        };
    };
}

shared_static!(HITS: AtomicU64 = AtomicU64::new(7));
shared_static!(TABLE: Mutex<[u16; 3]> = Mutex::new([1, 2, 3]));
shared_static!(WIDE: Wide = Wide([9; 3]));
shared_static!(EMPTY: () = ());

#[repr(align(8192))]
struct Wide([u8; 3]);

// SAFETY: bytes.
unsafe impl Shareable for Wide {
    const LAYOUT: u64 = private::layout::Hasher::start("Wide").of::<Self>().finish();
}

fn address_of<T: ?Sized>(value: &T) -> usize {
    std::ptr::from_ref(value).cast::<u8>().addr()
}

/// How many mappings of our segments this process has.
fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is there");
    maps.lines().filter(|line| line.contains("memfd:offspring")).count()
}

#[test]
fn a_value_is_seen_and_changed_through_every_handle() {
    let count = Shared::new(AtomicU64::new(1)).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let count = count.clone();
            thread::spawn(move || {
                for _ in 0..1000 {
                    count.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(count.load(Relaxed), 4001);
}

#[test]
fn a_slice_holds_what_the_function_made() {
    let squares = Shared::from_fn(1000, |i| (i as u64) * (i as u64)).unwrap();
    assert_eq!(squares.len(), 1000);
    assert!(squares.iter().enumerate().all(|(i, square)| *square == (i * i) as u64));
    assert_eq!(format!("{:?}", Shared::from_fn(2, |i| i).unwrap()), "[0, 1]");
}

#[test]
fn nothing_can_be_shared_too() {
    let unit = Shared::new(()).unwrap();
    assert_eq!(*unit, ());
    let none = Shared::from_fn(0, |_| -> u64 { unreachable!("no element to make") }).unwrap();
    assert!(none.is_empty());
    let units = Shared::from_fn(12, |_| ()).unwrap();
    assert_eq!(units.len(), 12);
}

#[test]
fn every_alignment_is_kept() {
    macro_rules! check {
        ($($align:literal)*) => {$({
            #[repr(align($align))]
            struct Aligned(u8);
            // SAFETY: a byte.
            unsafe impl Shareable for Aligned {
                const LAYOUT: u64 = $align;
            }
            let one = Shared::new(Aligned(3)).unwrap();
            assert_eq!((one.0, address_of(&*one).is_multiple_of($align)), (3, true));
            let many = Shared::from_fn(3, |i| Aligned(i as u8)).unwrap();
            assert_eq!((many[2].0, address_of(&*many).is_multiple_of($align)), (2, true));
        })*};
    }
    check!(1 2 16 64 128 4096 8192 65536);
}

#[test]
fn handles_know_whether_they_lead_to_the_same_value() {
    let one = Shared::new(5_u8).unwrap();
    assert!(one.ptr_eq(&one.clone()));
    assert!(!one.ptr_eq(&Shared::new(5_u8).unwrap()));
}

#[test]
fn more_than_there_is_is_an_error() {
    for count in [1 << 45, 1 << 61, usize::MAX] {
        let error = Shared::from_fn(count, |_| -> u64 { unreachable!() }).unwrap_err();
        assert!(matches!(error, Error::System { .. }), "{count}: {error}");
    }
    // 64 pages short of everything: refused by how much is available, not by the address space.
    let error = Shared::from_fn(1 << 37, |_| -> u8 { unreachable!() }).unwrap_err();
    assert!(error.to_string().contains("reserve shared memory"), "{error}");
}

#[test]
fn statics_start_with_their_value_and_keep_what_is_written() {
    assert_eq!(HITS.load(Relaxed), 7);
    HITS.fetch_add(1, Relaxed);
    assert_eq!(HITS.load(Relaxed), 8);
    TABLE.lock().unwrap()[1] += 5;
    assert_eq!(*TABLE.lock().unwrap(), [1, 7, 3]);
    assert_eq!((WIDE.0, address_of(&*WIDE) % 8192), ([9; 3], 0));
    assert_eq!(*EMPTY, ());
    assert_eq!(format!("{EMPTY:?}"), "()");
}

#[test]
fn statics_can_be_first_used_by_many_threads_at_once() {
    shared_static!(RACED: AtomicU64 = AtomicU64::new(0));
    let start = Arc::new(std::sync::Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                RACED.fetch_add(1, Relaxed);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(RACED.load(Relaxed), 8);
}

#[test]
fn layouts_differ_where_types_differ() {
    let layouts = [
        <u32 as Shareable>::LAYOUT,
        <i32 as Shareable>::LAYOUT,
        <[u32; 1] as Shareable>::LAYOUT,
        <(u32,) as Shareable>::LAYOUT,
        <Option<u32> as Shareable>::LAYOUT,
        <Mutex<u32> as Shareable>::LAYOUT,
        <Mutex<i32> as Shareable>::LAYOUT,
        <(u8, u16) as Shareable>::LAYOUT,
        <(u16, u8) as Shareable>::LAYOUT,
    ];
    for (i, one) in layouts.iter().enumerate() {
        assert!(layouts[..i].iter().all(|other| other != one), "{i}");
    }
}

#[test]
fn enums_are_told_apart_by_module_name_and_numbers() {
    mod other {
        #[offspring::shared]
        pub(super) enum E {
            A = 1,
            B = 2,
        }
    }
    #[offspring::shared]
    enum E {
        A = 1,
        B = 2,
    }
    macro_rules! numbered {
        ($number:literal) => {{
            // Always in the same place, so that only what is in them counts.
            const N: isize = $number;
            #[offspring::shared]
            enum E {
                A = N,
                B = 9,
            }
            #[offspring::shared]
            #[repr(u8)]
            enum F {
                A(u8) = $number,
                B = 9,
            }
            let _ = (E::A, E::B, F::B);
            assert!(matches!(F::A(3), F::A(3)));
            [E::LAYOUT, F::LAYOUT]
        }};
    }
    let _ = (E::A, E::B, other::E::A, other::E::B);
    let [one, two] = [numbered!(1), numbered!(2)];
    let layouts = [E::LAYOUT, other::E::LAYOUT, one[0], two[0], one[1], two[1]];
    for (i, layout) in layouts.iter().enumerate() {
        assert!(!layouts[..i].contains(layout), "{i}");
    }
}

/// Whether this process is one that the test of this name has to itself; if not, makes one, and waits for its success.
///
/// For what concerns a whole process: its mappings, its descriptors.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "OFFSPRING_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(ALONE, "1")
        .status();
    assert!(status.unwrap().success());
    false
}

#[test]
fn memory_is_given_back_with_the_last_handle() {
    if !is_alone("memory_is_given_back_with_the_last_handle") {
        return;
    }
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let (maps_before, fds_before) = (mappings(), descriptors());
    for round in 0..1000 {
        let shared = Shared::new(Mutex::new(round)).unwrap();
        *shared.lock().unwrap() += 1;
        drop((shared.clone(), shared));
        drop(Shared::from_fn(3, |_| Wide([0; 3])).unwrap());
    }
    let panicked = thread::spawn(|| Shared::from_fn(5, |i| [0_u8; 5][i + 3])).join();
    assert!(panicked.is_err());
    assert_eq!((mappings(), descriptors()), (maps_before, fds_before));

    // A forgotten guard: the lock is on the kernel's list, so that its memory stays; nothing else does.
    let shared = Shared::new(Mutex::new(0)).unwrap();
    std::mem::forget(shared.lock().unwrap());
    drop(shared);
    assert_eq!((mappings(), descriptors()), (maps_before + 1, fds_before));
}

#[test]
fn many_held_locks_keep_their_own_memory_only() {
    if !is_alone("many_held_locks_keep_their_own_memory_only") {
        return;
    }
    let locks = Shared::from_fn(200, Mutex::new).unwrap();
    let mut guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
    let before = mappings();
    for round in 0..10 {
        let shared = Shared::new(Mutex::new(round)).unwrap();
        *shared.lock().unwrap() += 1;
    }
    assert_eq!(mappings(), before);
    // A forgotten guard counts among many, too.
    let forgotten = Shared::new(Mutex::new(0)).unwrap();
    std::mem::forget(forgotten.lock().unwrap());
    drop(forgotten);
    assert_eq!(mappings(), before + 1);
    while guards.len() > 1 {
        drop(guards.swap_remove(guards.len() / 2));
    }
    drop((guards, Shared::new(()).unwrap()));
    assert_eq!(mappings(), before + 1);
    drop(locks);
    assert_eq!(mappings(), before);
}

#[test]
fn what_a_forgotten_guard_kept_goes_with_its_thread() {
    if !is_alone("what_a_forgotten_guard_kept_goes_with_its_thread") {
        return;
    }
    let before = mappings();
    let forget = move |number: u32| {
        let shared = Shared::new(Mutex::new(number)).unwrap();
        std::mem::forget(shared.lock().unwrap());
        drop(shared);
    };
    thread::spawn(move || {
        (0..50).for_each(forget);
        assert_eq!(mappings(), before + 50);
    })
    .join()
    .unwrap();
    // Any later segment unmaps what can be.
    drop(Shared::new(()).unwrap());
    assert_eq!(mappings(), before);
}

#[test]
fn what_a_leaked_guard_lent_stays_mapped_after_its_thread() {
    if !is_alone("what_a_leaked_guard_lent_stays_mapped_after_its_thread") {
        return;
    }
    let before = mappings();
    let lend = || {
        let shared: &Shared<Mutex<u32>> = Box::leak(Box::new(Shared::new(Mutex::new(1)).unwrap()));
        &mut **Box::leak(Box::new(shared.lock().unwrap()))
    };
    let lent: &'static mut u32 = thread::spawn(lend).join().unwrap();
    drop(Shared::new(()).unwrap());
    assert_eq!(mappings(), before + 1);
    *lent += 1;
}

#[test]
fn a_lock_held_by_another_thread_keeps_no_other_memory() {
    if !is_alone("a_lock_held_by_another_thread_keeps_no_other_memory") {
        return;
    }
    // The thread has used the memory that is given back, and holds nothing in it.
    let (kept, given_back) =
        (Shared::new(Mutex::new(0)).unwrap(), Shared::new(Mutex::new(0)).unwrap());
    let before = mappings();
    let (tell, hear) = std::sync::mpsc::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel::<()>();
    let (in_kept, in_given_back) = (kept.clone(), given_back.clone());
    let thread = thread::spawn(move || {
        let guard = in_kept.lock().unwrap();
        *in_given_back.lock().unwrap() += 1;
        drop(guard);
        *in_given_back.lock().unwrap() += 1;
        drop(in_given_back);
        ready.send(()).unwrap();
        hear.recv().unwrap();
    });
    is_ready.recv().unwrap();
    drop(given_back);
    assert_eq!(mappings(), before - 1);
    tell.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(*kept.lock().unwrap(), 0);
}

#[test]
fn shared_memory_never_takes_the_place_of_a_closed_standard_stream() {
    if !is_alone("shared_memory_never_takes_the_place_of_a_closed_standard_stream") {
        return;
    }
    let kept = (dup(io::stdin()).unwrap(), dup(io::stdout()).unwrap(), dup(io::stderr()).unwrap());
    for stream in 0..3 {
        close(stream).unwrap();
    }
    let shared = Shared::new(AtomicU64::new(7));
    println!("where nobody listens");
    let taken = (0..3).filter(|at| fs::read_link(format!("/proc/self/fd/{at}")).is_ok()).count();
    dup2_stdin(kept.0).unwrap();
    dup2_stdout(kept.1).unwrap();
    dup2_stderr(kept.2).unwrap();
    assert_eq!((taken, shared.unwrap().load(Relaxed)), (0, 7));
}
