//! How known data sets' own judges decide: as they are meant, and as they were released.

pub mod chains;
pub mod profile;
pub mod python_equality;
pub mod released;
