use otel_runtime::traced_span;

struct Room {
    beds: Vec<u32>,
}

impl Room {
    #[traced_span]
    fn change(&self) -> Result<usize, String> {
        self.beds.push(1);
        Ok(self.beds.len())
    }

    #[traced_span]
    async fn take(&self) -> Vec<u32> {
        std::future::ready(()).await;
        self.beds
    }
}

#[traced_span]
fn moved(text: String) -> Result<usize, String> {
    drop(text);
    Ok(text.len())
}

#[traced_span]
async fn moved_later(text: String) -> usize {
    std::future::ready(()).await;
    drop(text);
    text.len()
}

#[traced_span]
fn not_mutable(list: Vec<u32>) -> Option<u32> {
    list.push(1);
    list.pop()
}

#[traced_span]
fn returned<'a>(text: String) -> Option<&'a str> {
    Some(text.as_str())
}

fn main() {}
