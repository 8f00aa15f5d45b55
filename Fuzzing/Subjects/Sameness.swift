import SIPSyntax

extension NameAddress {
  /// What it says, without the white space and the folds that the grammar allows.
  var meaning: [[UInt8]] {
    [displayName, uri.bytes, parameters.without("none of it").bytes].map(unfolded)
  }
}

/// CR and LF as the spaces that we write for them.
func unfolded(_ text: [UInt8]) -> [UInt8] { text.map { $0 == 13 || $0 == 10 ? 32 : $0 } }
