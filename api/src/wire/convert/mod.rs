//! Between the bodies on the wire and the values of the service.

mod capabilities;
mod tools;

use pml_service::Page;

use super::List;

impl<T, U: From<T>> From<Page<T>> for List<U> {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next_cursor,
        }
    }
}
