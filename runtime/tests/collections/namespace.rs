//! Each method of `Namespace` by itself, with values of every kind.

use offspring::__private::audit::usage;
use offspring::{Error, Event, Lock, Namespace, process};

use crate::samples::{Large, Letter, Pair, Point, Sample, Wide};

fn assert_works<T: Sample>(namespace: &Namespace, rounds: u64) -> offspring::Result<()> {
    assert_eq!(namespace.get::<T>("absent")?, None);
    for seed in 0..rounds {
        namespace.set("value", T::make(seed))?;
        assert_eq!(namespace.get::<T>("value")?, Some(T::make(seed)));
    }
    assert!(namespace.contains("value") && !namespace.contains("absent"));
    assert!(namespace.remove("value")? && !namespace.remove("value")?);
    assert_eq!(namespace.get::<T>("value")?, None);
    Ok(())
}

#[test]
fn values_of_every_kind() -> offspring::Result<()> {
    let namespace = Namespace::new()?;
    namespace.set("other", 7_u8)?;
    assert_works::<u64>(&namespace, 5)?;
    assert_works::<()>(&namespace, 5)?;
    assert_works::<u128>(&namespace, 5)?;
    assert_works::<Wide>(&namespace, 5)?;
    assert_works::<Point>(&namespace, 5)?;
    assert_works::<Pair>(&namespace, 5)?;
    assert_works::<String>(&namespace, 5)?;
    assert_works::<Vec<u32>>(&namespace, 5)?;
    assert_works::<Letter>(&namespace, 5)?;
    assert_works::<Large>(&namespace, 1)?;
    assert_eq!(namespace.names(), ["other"]);
    assert_eq!(namespace.get::<u8>("other")?, Some(7));
    usage(&namespace).map(drop)
}

#[test]
fn another_type_is_an_error_that_names_both() -> offspring::Result<()> {
    let namespace = Namespace::new()?;
    namespace.set("x", 7_u32)?;
    let error = namespace.get::<i32>("x").unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
    let text = error.to_string();
    assert!(["`x`", "`u32`", "`i32`"].iter().all(|part| text.contains(part)), "{text}");
    // A name can have a value of another type later.
    namespace.set("x", "text".to_owned())?;
    assert_eq!(namespace.get::<String>("x")?.as_deref(), Some("text"));
    assert!(namespace.get::<u32>("x").is_err());
    Ok(())
}

#[test]
fn handles_are_refused() -> offspring::Result<()> {
    let namespace = Namespace::new()?;
    namespace.set("x", 1)?;
    let before = usage(&namespace)?;
    for error in [
        namespace.set("x", Lock::new()?).unwrap_err(),
        namespace.set("y", vec![Event::new()?]).unwrap_err(),
        namespace.set("y", offspring::List::<u8>::new()?).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Encode { .. }), "{error}");
        assert!(error.to_string().contains("beside the namespace"), "{error}");
    }
    assert_eq!((namespace.get::<i32>("x")?, namespace.names()), (Some(1), vec!["x".to_owned()]));
    assert_eq!(usage(&namespace)?, before);
    Ok(())
}

#[test]
fn shown_without_what_is_hidden() -> offspring::Result<()> {
    let namespace = Namespace::new()?;
    namespace.set("size", 1_u64)?;
    namespace.set("name", "a".to_owned())?;
    namespace.set("_hidden", 2)?;
    assert_eq!(format!("{namespace:?}"), "Namespace { name: alloc::string::String, size: u64 }");
    assert_eq!(namespace.names(), ["_hidden", "name", "size"]);
    Ok(())
}

#[process]
fn count_up(namespace: &Namespace) -> offspring::Result<Vec<String>> {
    let count = namespace.get::<u32>("count")?.unwrap_or(0);
    namespace.set("count", count + 1)?;
    namespace.set("said", format!("{count} before"))?;
    namespace.remove("temporary")?;
    Ok(namespace.names())
}

under_each_method! {
    fn children_share_the_names() {
        let namespace = Namespace::new().unwrap();
        namespace.set("temporary", [1_u8, 2]).unwrap();
        for round in 1..=3 {
            let names = count_up::spawn(&namespace).unwrap().join().unwrap().unwrap();
            assert_eq!(names, ["count", "said"]);
            assert_eq!(namespace.get::<u32>("count").unwrap(), Some(round));
        }
        assert_eq!(namespace.get::<String>("said").unwrap().unwrap(), "2 before");
        let other = namespace.clone();
        assert!(other.ptr_eq(&namespace) && !other.ptr_eq(&Namespace::new().unwrap()));
    }
}
