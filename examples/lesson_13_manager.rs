//! Lesson 13: lists and dicts that all processes share.
//!
//! | | Python | here |
//! | --- | --- | --- |
//! | a dict | `m = Manager()`, `data = m.dict({"count": 20000})` | `Dict::from([("count", 20000)])?` |
//! | a list | `data = m.list([1, 2, 3])` | `List::from([1, 2, 3])?` |
//! | read | `data["count"]` | `data.get("count")`, a copy |
//! | change, under a lock | `with lock: data["count"] -= 1` | `let _guard = lock.lock()?; data.insert("count".into(), n - 1)?;` |
//! | change, in one step | there is none | `data.update("count", \|n\| *n -= 1)?` |
//! | print | `print(data)` | `println!("{data:?}")` |
//! | a list in a dict | `d["a"] = m.list()` | `d.insert("a".into(), List::new()?)?` |
//! | by name, for others | `BaseManager(address=…)`, and a server | `Manager::named("shop")?`, `Manager::attach("shop")?` |
//!
//! Python's collections live in a process of their own, which each access asks over a socket; if it dies they are gone. Here they are in
//! shared memory. A process that is killed in the middle of a change has made it or not.
//!
//! Run it: `cargo run --example lesson_13_manager`

use offspring::prelude::*;
use offspring::{Dict, List, Lock, Manager};

// 1. The lesson's program: 50 processes, each of which takes 1 away, under a lock.

#[process]
fn work(data: &Dict<String, i64>, lock: &Lock) -> offspring::Result<()> {
    let _guard = lock.lock()?;
    let count = data.get("count").expect("it is there");
    data.insert("count".to_owned(), count - 1)?;
    Ok(())
}

// 2. The same with a list, and without a lock: `update` is one step.

#[process]
fn add(data: &List<i64>) -> offspring::Result<()> {
    data.update(0, |first| *first += 1)?;
    Ok(())
}

// 3. A list inside of a dict stays a list that all share.

#[process]
fn enrol(courses: &Dict<String, List<String>>, course: &str, name: &str) -> offspring::Result<()> {
    courses.get(course).expect("there is such a course").push(name.to_owned())
}

// 4. One that is killed while it changes something.

#[process]
fn careless(data: &Dict<String, i64>) -> offspring::Result<()> {
    data.update("count", |count| {
        *count = -1;
        std::process::abort();
    })?;
    Ok(())
}

// 5. By name: the child gets nothing but the name, as an unrelated program would.

#[process]
fn customer(shop: &str) -> offspring::Result<()> {
    let shop = Manager::attach(shop)?;
    shop.dict::<String, u32>("stock")?.update("tea", |cups| *cups -= 2)?;
    shop.list::<String>("orders")?.push("two cups of tea".to_owned())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lock = Lock::new()?;
    let data = Dict::from([("count", 20000)])?;
    let children: Vec<_> = (0..50).map(|_| work::spawn(&data, &lock)).collect::<Result<_, _>>()?;
    for child in children {
        child.join()??;
    }
    println!("1. {data:?}");

    let data = List::from([1, 2, 3])?;
    let children: Vec<_> = (0..50).map(|_| add::spawn(&data)).collect::<Result<_, _>>()?;
    for child in children {
        child.join()??;
    }
    println!("2. {data:?}");

    let courses: Dict<String, List<String>> = Dict::new()?;
    courses.insert("rust".to_owned(), List::new()?)?;
    enrol::spawn(&courses, "rust", "ann")?.join()??;
    enrol::spawn(&courses, "rust", "bob")?.join()??;
    println!("3. {courses:?}");

    let data = Dict::from([("count", 7)])?;
    let death = careless::spawn(&data)?.join().unwrap_err();
    println!("4. {death}");
    println!("4. nothing has changed, nothing is locked: {data:?}");
    data.update("count", |count| *count += 1)?;
    println!("4. {data:?}");

    let name = format!("shop {}", std::process::id());
    let shop = Manager::named(&name)?;
    shop.dict("stock")?.insert("tea".to_owned(), 10_u32)?;
    customer::spawn(&name)?.join()??;
    println!("5. {:?} {:?}", shop.dict::<String, u32>("stock")?, shop.list::<String>("orders")?);
    Ok(())
}
