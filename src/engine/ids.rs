//! Ids that follow from what they name, so that two runs from one seed agree to the byte (design, law 5).

use uuid::Uuid;

/// Everything this program names is in this name space.
const NAMESPACE: Uuid = Uuid::from_u128(0x7b7c_04ba_3f0d_5cf1_a9a5_0c1f_6a5e_5c1d);

/// The id of the thing that `parts` lead to: the same for the same parts and seed, on every machine.
pub fn derived(seed: u64, parts: &[&str]) -> Uuid {
    let mut name = seed.to_string();
    for part in parts {
        // A length before each part, so that ("ab", "c") and ("a", "bc") differ.
        name.extend(["/", &part.len().to_string(), ":", part]);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// A number that the thing leads to, for seeding a stream of random values of its own.
pub fn stream(seed: u64, parts: &[&str]) -> u64 {
    derived(seed, parts).as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::derived;

    #[test]
    fn ids_differ_by_seed_and_by_every_part() {
        let ids = [
            derived(0, &["ab", "c"]),
            derived(0, &["a", "bc"]),
            derived(1, &["ab", "c"]),
            derived(0, &["abc"]),
        ];
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[index + 1..].contains(id), "{id} twice");
        }
        assert_eq!(derived(0, &["ab", "c"]), ids[0]);
    }
}
