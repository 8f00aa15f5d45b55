/// Why a body is no session description we can work with; answered with 400 or 488.
package enum SDPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Something else than `expected` stands in this line, counted from 1.
  case malformed(expected: String, line: Int)
  /// More than we are willing to hold; see ``SDPLimits``.
  case tooMuch(of: String, limit: Int)
  /// The answer does not fit its offer (RFC 3264 §6).
  case answerMismatch(String)

  package var description: String {
    switch self {
    case .malformed(let expected, let line): "SDP line \(line): expected \(expected)"
    case .tooMuch(let what, let limit): "SDP has more than \(limit) \(what)"
    case .answerMismatch(let reason): "SDP answer does not fit the offer: \(reason)"
    }
  }
}

/// The bounds of a session description (A42, A44): far above real phones, far below a bomb.
package enum SDPLimits {
  package static let bytes = 32_768
  package static let lines = 1_000
  package static let lineBytes = 4_096
  package static let media = 32
  package static let formats = 64
}
