//! Each method of `Value` by itself, with values of every kind, and what is left as it was after an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use offspring::__private::audit::usage;
use offspring::sync::LockError;
use offspring::{Error, Value};

use crate::samples::{Large, Letter, Pair, Point, Sample, Wide};

fn assert_works<T: Sample>(rounds: u64) -> offspring::Result<()> {
    let value = Value::new(T::make(0))?;
    let before = usage(&value)?;
    for seed in 0..rounds {
        let (old, new) = (T::make(seed), T::make(seed + 1));
        assert_eq!((value.get(), value.try_get()?), (old.clone(), old.clone()));
        assert_eq!(value.swap(new.clone())?, old);
        value.set(old.clone())?;
        assert_eq!(value.get(), old);
        if old != new {
            assert_eq!(value.compare_exchange(&new, new.clone())?, Err(old.clone()));
        }
        assert_eq!(value.compare_exchange(&old, new.clone())?, Ok(old.clone()));
        assert_eq!(value.update(|it| std::mem::replace(it, old.clone()))?, new);
        assert_eq!(value.get(), old);
        value.set(new)?;
    }
    value.set(T::make(0))?;
    let after = usage(&value)?;
    assert_eq!((after.blocks, after.orphans), (before.blocks, 0));
    assert!(after.bytes <= 2 * before.bytes, "{before:?}, then {after:?}");
    Ok(())
}

#[test]
fn values_of_every_kind() -> offspring::Result<()> {
    assert_works::<u64>(20)?;
    assert_works::<u8>(20)?;
    assert_works::<()>(20)?;
    assert_works::<u128>(20)?;
    assert_works::<[u64; 8]>(20)?;
    assert_works::<Wide>(20)?;
    assert_works::<Point>(20)?;
    assert_works::<Pair>(20)?;
    assert_works::<String>(20)?;
    assert_works::<Letter>(20)?;
    assert_works::<Large>(2)
}

#[test]
fn shown_with_what_it_is() -> offspring::Result<()> {
    assert_eq!(format!("{:?}", Value::new(5)?), "Value(5)");
    assert_eq!(format!("{:?}", Value::new("a".to_owned())?), r#"Value("a")"#);
    Ok(())
}

#[test]
fn clones_lead_to_the_same() -> offspring::Result<()> {
    let value = Value::new(1)?;
    let other = value.clone();
    other.update(|it| *it += 1)?;
    assert_eq!(value.get(), 2);
    assert!(value.ptr_eq(&other) && !value.ptr_eq(&Value::new(2)?));
    Ok(())
}

#[test]
fn inside_of_its_own_update_and_after_a_panic() -> offspring::Result<()> {
    fn assert_refuses<T: Sample>() -> offspring::Result<()> {
        let value = Value::new(T::make(1))?;
        let before = usage(&value)?;
        let inside = |result: offspring::Result<()>| {
            assert!(matches!(result, Err(Error::Lock(LockError::Deadlock))), "{result:?}");
        };
        value.update(|it| {
            assert_eq!(value.get(), T::make(1));
            inside(value.set(T::make(2)));
            inside(value.swap(T::make(2)).map(drop));
            inside(value.update(|_| panic!("never called")));
            inside(value.compare_exchange(&T::make(1), T::make(2)).map(drop));
            inside(value.try_get().map(drop));
            *it = T::make(3);
        })?;
        assert_eq!(value.get(), T::make(3));
        let panics = AssertUnwindSafe(|| {
            value.update(|it| {
                *it = T::make(4);
                panic!("in an update")
            })
        });
        catch_unwind(panics).map(|result: offspring::Result<()>| result).unwrap_err();
        assert_eq!(value.get(), T::make(3));
        value.set(T::make(1))?;
        assert_eq!(usage(&value)?.blocks, before.blocks);
        Ok(())
    }
    assert_refuses::<u64>()?;
    assert_refuses::<[u64; 8]>()?;
    assert_refuses::<String>()
}
