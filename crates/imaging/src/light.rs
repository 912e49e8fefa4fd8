//! The sRGB transfer curve as tables, for averaging in linear light.

use std::sync::OnceLock;

/// IEC 61966-2-1: encoded 0..=1 to linear 0..=1.
fn to_linear(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// IEC 61966-2-1: linear 0..=1 to encoded 0..=1.
fn to_encoded(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055f64.mul_add(linear.powf(1.0 / 2.4), -0.055) }
}

/// The 16-bit linear value of each 8-bit encoded one.
pub(crate) fn linear_table() -> &'static [u16; 256] {
    static TABLE: OnceLock<[u16; 256]> = OnceLock::new();
    TABLE.get_or_init(|| std::array::from_fn(|v| (to_linear(v as f64 / 255.0) * 65_535.0).round() as u16))
}

/// The 8-bit encoded value of each 16-bit linear one.
pub(crate) fn encoded_table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        (0..=65_535).map(|v| (to_encoded(f64::from(v) / 65_535.0) * 255.0).round() as u8).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_undo_each_other() {
        for v in 0..=255u8 {
            assert_eq!(encoded_table()[usize::from(linear_table()[usize::from(v)])], v);
        }
    }

    #[test]
    fn half_the_light_is_encoded_as_188() {
        assert_eq!(encoded_table()[32_768], 188);
    }
}
