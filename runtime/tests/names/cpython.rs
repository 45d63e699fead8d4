//! CPython's tests of `shared_memory`, and of what a manager hands out, under their names. Not here: what is about lists of mixed
//! values (`ShareableList`), and about the manager's process, of which there is none.

use std::sync::atomic::Ordering::SeqCst;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use offspring::sync::{LockError, TooManyReleases};
use offspring::{
    Barrier, BoundedSemaphore, Condition, Event, JoinableQueue, Lock, Manager, Queue, RLock,
    Semaphore, Shared, SharedMemory, StartMethod, Task, process,
};

use crate::memory::{read, write};
use crate::support::{Case, Program, assert_name, happens, path_of, sweep, unique};

pub(crate) const CASES: &[Case] = &[
    ("cpython: test_shared_memory_name_with_embedded_null", name_with_embedded_null),
    ("cpython: test_shared_memory_basics", basics),
    ("cpython: test_shared_memory_recreate", recreate),
    ("cpython: test_invalid_shared_memory_creation", invalid_creation),
    ("cpython: test_shared_memory_pickle_unpickle", pickle_unpickle),
    ("cpython: test_shared_memory_pickle_unpickle_dead_object", pickle_unpickle_dead_object),
    ("cpython: test_shared_memory_across_processes", across_processes),
    ("cpython: test_shared_memory_SharedMemoryManager_basics", manager_basics),
    ("cpython: test_shared_memory_cleaned_after_process_termination", cleaned_after_termination),
    ("cpython: test_shared_memory_untracking", untracking),
    ("cpython: test_shared_memory_tracking", untracking),
    ("cpython: test_shared_memory_name_with_special_characters", special_names),
    ("cpython: test_event", event),
    ("cpython: test_lock", lock),
    ("cpython: test_rlock", rlock),
    ("cpython: test_semaphore", semaphore),
    ("cpython: test_bounded_semaphore", bounded_semaphore),
    ("cpython: test_condition", condition),
    ("cpython: test_barrier", barrier),
    ("cpython: test_queue", queue),
    ("cpython: test_joinable_queue", joinable_queue),
];

fn name_with_embedded_null() {
    let name = unique("test01_null");
    let memory = SharedMemory::create(&name, 512).unwrap();
    assert_name!(SharedMemory::open(&format!("{name}\0a")), Character);
    assert_name!(SharedMemory::unlink_name(&format!("{name}\0a")), Character);
    memory.unlink().unwrap();
}

fn basics() {
    let name = unique("test01_tsmb");
    let memory = SharedMemory::create(&name, 512).unwrap();
    assert_eq!((memory.name(), memory.len(), memory.bytes().len()), (&*name, 512, 512));
    let shown = format!("{memory:?}");
    assert!(shown.contains(&name) && shown.contains("512"), "{shown}");
    memory.bytes()[0].store(42, SeqCst);
    assert_eq!(SharedMemory::open(&name).unwrap().bytes()[0].load(SeqCst), 42);

    let twice = unique("test01_dblunlink");
    let one = SharedMemory::create(&twice, 5000).unwrap();
    SharedMemory::open(&twice).unwrap().unlink().unwrap();
    assert_name!(one.unlink(), Missing);

    assert_name!(SharedMemory::create(&name, 512), Taken);
    assert_name!(SharedMemory::open("test01_notthere"), Missing);
}

fn recreate() {
    let names = [unique("test03_fn"), unique("test04_fn")];
    let one = SharedMemory::create(&names[0], 1).unwrap();
    // There, a random name is chosen again; here, whoever chose it is told.
    assert_name!(SharedMemory::create(&names[0], 1), Taken);
    let two = SharedMemory::create(&names[1], 1).unwrap();
    assert!(!one.ptr_eq(&two));
}

fn invalid_creation() {
    assert_name!(SharedMemory::create("test", 0), NoBytes);
}

fn pickle_unpickle() {
    let memory = SharedMemory::create(&unique("pickle"), 512).unwrap();
    write(memory.bytes(), "pickle");
    let queue = Queue::new().unwrap();
    queue.put(memory.clone()).unwrap();
    let other = queue.get().unwrap();
    assert_eq!(other.name(), memory.name());
    assert_eq!(read(other.bytes(), 6), "pickle");
    write(memory.bytes(), "newval");
    assert_eq!(read(other.bytes(), 6), "newval");
    write(other.bytes(), "oldval");
    assert_eq!(read(memory.bytes(), 6), "oldval");
}

fn pickle_unpickle_dead_object() {
    let memory = SharedMemory::create(&unique("pickle"), 512).unwrap();
    let queue = Queue::new().unwrap();
    queue.put(memory.clone()).unwrap();
    memory.unlink().unwrap();
    drop(memory);
    let lost = queue.get().unwrap_err();
    assert!(lost.to_string().contains("there is nothing of the name"), "{lost}");
}

#[process(daemon)]
fn attach_existing_shmem_then_write(name: &str, data: &str) {
    write(SharedMemory::open(name).unwrap().bytes(), data);
}

#[process(daemon)]
fn write_to(memory: SharedMemory, data: &str) {
    write(memory.bytes(), data);
}

fn across_processes() {
    let memory = SharedMemory::create(&unique("across"), 512).unwrap();
    let child = attach_existing_shmem_then_write::spawn(memory.name(), "howdy").unwrap();
    child.join().unwrap();
    assert_eq!(read(memory.bytes(), 5), "howdy");
    write_to::spawn(memory.clone(), "HELLO").unwrap().join().unwrap();
    assert_eq!(read(memory.bytes(), 5), "HELLO");
}

fn manager_basics() {
    let name = unique("manager");
    assert_name!(Manager::attach(&name), Missing);
    let manager = Manager::named(&name).unwrap();
    let bytes = |len| move || Shared::from_fn(len, |_| 0_u8);
    let lens = [32, 48, 64, 80, 96, 112];
    let all = lens.map(|len| manager.object(&len.to_string(), bytes(len)).unwrap());
    let other = Manager::attach(&name).unwrap();
    for (one, len) in all.iter().zip(lens) {
        let same = other.object(&len.to_string(), bytes(1)).unwrap();
        assert!(same.ptr_eq(one) && same.len() == len);
    }
    drop(manager);
    assert_name!(other.object("32", bytes(32)), StaleOwner);
    assert_name!(Manager::attach(&name), Missing);
}

fn cleaned_after_termination() {
    let name = unique("terminated");
    let owner = Program::start("owner", &[&name, "alone"]);
    owner.expect("there");
    kill(Pid::from_raw(owner.pid() as i32), Signal::SIGTERM).unwrap();
    assert!(happens(|| {
        sweep();
        !path_of("memory", &name).exists() && !path_of("manager", &name).exists()
    }));
    owner.kill();
}

/// There, the end of a program that has attached destroys the segment, unless it says `track=False`.
fn untracking() {
    let name = unique("tracked");
    let memory = SharedMemory::create(&name, 10).unwrap();
    let manager = Manager::named(&name).unwrap();
    manager.lock("lock").unwrap();
    let opener = Program::start("opener", &[&name]);
    opener.expect("there");
    opener.end();
    assert!(SharedMemory::open(&name).unwrap().ptr_eq(&memory));
    assert!(Manager::attach(&name).unwrap().contains("lock"));
}

fn special_names() {
    for name in ["test:shared:mem", "test\nshared\nmem", "test mem %41 \"'"] {
        let name = unique(name);
        let memory = SharedMemory::create(&name, 10).unwrap();
        drop(SharedMemory::open(&name).unwrap());
        memory.unlink().unwrap();
        drop(Manager::named(&name).unwrap());
    }
}

/// Under each start method that a program with threads, such as this one, can use.
fn run_worker<T>(worker: impl Fn() -> Task<T>) {
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        worker().daemon(true).start_method(method).spawn().unwrap().join().unwrap();
    }
}

#[process]
fn use_event(event: Event) {
    assert!(event.is_set());
    event.wait();
}

fn event() {
    let event = Manager::new().unwrap().event("it").unwrap();
    event.set();
    run_worker(|| use_event::task(event.clone()));
    event.clear();
    assert!(!event.wait_timeout(std::time::Duration::from_millis(1)));
}

#[process]
fn acquire_lock(lock: Lock) {
    lock.acquire().unwrap();
}

fn lock() {
    let lock = Manager::new().unwrap().lock("it").unwrap();
    run_worker(|| acquire_lock::task(lock.clone()));
    // There, the parent gives back what its child has taken. Here, the child's end has done that.
    assert!(matches!(lock.release(), Err(LockError::NotHeld)));
    lock.acquire().unwrap();
    lock.release().unwrap();
    assert!(matches!(lock.release(), Err(LockError::NotHeld)));
}

#[process]
fn use_rlock(lock: RLock) {
    let (one, two) = (lock.lock().unwrap(), lock.lock().unwrap());
    drop((one, two));
}

fn rlock() {
    let lock = Manager::new().unwrap().rlock("it").unwrap();
    run_worker(|| use_rlock::task(lock.clone()));
}

#[process]
fn acquire_semaphore(semaphore: Semaphore) {
    drop(semaphore.acquire());
}

fn semaphore() {
    let semaphore = Manager::new().unwrap().semaphore("it", 1).unwrap();
    run_worker(|| acquire_semaphore::task(semaphore.clone()));
    assert_eq!(semaphore.available(), 1);
}

#[process]
fn acquire_bounded(semaphore: BoundedSemaphore) {
    drop(semaphore.acquire());
}

fn bounded_semaphore() {
    let semaphore = Manager::new().unwrap().bounded_semaphore("it", 1).unwrap();
    run_worker(|| acquire_bounded::task(semaphore.clone()));
    assert!(matches!(semaphore.release(), Err(TooManyReleases { .. })));
}

#[process]
fn use_condition(condition: Condition, lock: Lock) {
    let guard = lock.lock().unwrap();
    condition.notify_all();
    drop(guard);
}

fn condition() {
    let manager = Manager::new().unwrap();
    let (condition, lock) = (manager.condition("it").unwrap(), manager.lock("lock").unwrap());
    run_worker(|| use_condition::task(condition.clone(), lock.clone()));
}

#[process]
fn reset(barrier: Barrier) {
    assert_eq!(barrier.parties(), 5);
    barrier.reset();
}

fn barrier() {
    let barrier = Manager::new().unwrap().barrier("it", 5).unwrap();
    run_worker(|| reset::task(barrier.clone()));
}

#[process]
fn drain(queue: Queue<u32>) {
    assert!(queue.len() == 2 && queue.is_full() && !queue.is_empty());
    assert_eq!(queue.get().unwrap(), 5);
    assert!(!queue.is_empty());
    assert_eq!(queue.get().unwrap(), 6);
    assert!(queue.is_empty());
}

fn queue() {
    let queue = Manager::new().unwrap().bounded_queue("it", 2).unwrap();
    run_worker(|| {
        queue.put_many([5, 6]).unwrap();
        drain::task(queue.clone())
    });
    assert!(queue.is_empty() && !queue.is_full());
}

#[process]
fn drain_jobs(queue: JoinableQueue<u32>) {
    assert!(queue.len() == 2 && queue.is_full() && !queue.is_empty());
    queue.get().map(|job| assert_eq!(*job, 5)).unwrap();
    let again = queue.get().unwrap();
    // One that was not done comes back.
    assert_eq!((*again, again.attempt()), (5, 2));
    again.done();
    queue.get().map(|job| job.done()).unwrap();
    assert!(queue.is_empty());
}

fn joinable_queue() {
    let queue = Manager::new().unwrap().bounded_joinable_queue("it", 2).unwrap();
    run_worker(|| {
        queue.put_many([5, 6]).unwrap();
        drain_jobs::task(queue.clone())
    });
    queue.join().unwrap();
    assert!(queue.is_empty() && !queue.is_full());
}
