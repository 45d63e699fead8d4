use offspring::process;

#[process]
fn allocate(len: usize) -> *mut u8 {
    let _ = len;
    std::ptr::null_mut()
}

fn main() {}
