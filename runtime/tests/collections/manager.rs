//! Collections that a manager hands out by their names.

use offspring::{Dict, Error, List, Manager, NameError, Queue, process};

#[process]
fn work(manager: &Manager, rounds: u64) -> offspring::Result<()> {
    let counts: Dict<String, u64> = manager.dict("counts")?;
    let names: List<String> = manager.list("names")?;
    for round in 0..rounds {
        counts.update_or_insert("count".to_owned(), 0, |count| *count += 1)?;
        names.push(format!("round {round}"))?;
    }
    manager.value("total", 0_u64)?.update(|total| *total += rounds)?;
    manager.namespace("settings")?.set("rounds", rounds)?;
    manager.array::<u8>("bytes", 16)?.set(3, 7)?;
    Ok(())
}

#[test]
fn objects_are_the_same_for_all_who_know_their_names() -> offspring::Result<()> {
    let manager = Manager::new()?;
    let children = [work::spawn(&manager, 50)?, work::spawn(&manager, 50)?];
    for child in children {
        child.join()??;
    }
    let counts = manager.dict::<String, u64>("counts")?;
    assert_eq!(counts.get("count"), Some(100));
    assert_eq!(manager.list::<String>("names")?.len(), 100);
    assert_eq!(manager.value("total", 0_u64)?.get(), 100);
    assert_eq!(manager.namespace("settings")?.get::<u64>("rounds")?, Some(50));
    assert_eq!(manager.array::<u8>("bytes", 16)?.get(3), Some(7));
    let error = manager.dict::<String, i64>("counts").unwrap_err();
    assert!(matches!(error, Error::Name(NameError::OtherType { .. })), "{error}");
    Ok(())
}

#[test]
fn what_a_manager_hands_out_can_have_collections_inside() -> offspring::Result<()> {
    let manager = Manager::new()?;
    let groups = manager.dict::<String, List<u64>>("groups")?;
    groups.insert("a".to_owned(), List::from([1, 2])?)?;
    let again = manager.dict::<String, List<u64>>("groups")?;
    assert_eq!(again.get("a").unwrap().to_vec()?, [1, 2]);
    Ok(())
}

/// CPython's: a queue in a list, and in a dict.
#[test]
fn test_nested_queue() -> offspring::Result<()> {
    let manager = Manager::new()?;
    let list: List<Queue<u32>> = manager.list("list")?;
    list.push(manager.queue("a")?)?;
    list.get(0).unwrap().put(123)?;
    assert_eq!(list.get(0).unwrap().get()?, 123);
    let dict: Dict<String, Queue<u32>> = manager.dict("dict")?;
    dict.insert("0".to_owned(), manager.queue("b")?)?;
    dict.get("0").unwrap().put(456)?;
    assert_eq!(dict.get("0").unwrap().get()?, 456);
    Ok(())
}

#[test]
fn what_has_no_name_cannot_be_kept() -> offspring::Result<()> {
    let list: List<Queue<u32>> = List::new()?;
    let error = list.push(Queue::new()?).unwrap_err();
    assert!(matches!(&error, Error::Encode { .. }), "{error}");
    assert!(error.to_string().contains("Manager"), "{error}");
    let manager = Manager::new()?;
    list.push(manager.queue("a")?)?;
    manager.remove("a")?;
    assert!(list.get(0).is_none());
    let error = list.try_get(0).unwrap_err();
    assert!(error.to_string().contains("removed"), "{error}");
    Ok(())
}
