use offspring::process;

#[derive(Debug)]
struct Lost;

#[process]
fn find() -> Result<u32, Lost> {
    Err(Lost)
}

fn main() {}
