import Synchronization

/// What an authority must find at our names, while it looks (RFC 8555 §8.3).
package final class ChallengeBoard: Sendable {
  /// Orders that run at the same time; there is one.
  private static let most = 64

  private let answers = Mutex<[String: String]>([:])

  package init() {}

  package func answer(to token: String) -> String? { answers.withLock { $0[token] } }

  func put(_ answer: String, for token: String) {
    answers.withLock { answers in
      guard answers.count < Self.most else { return }
      answers[token] = answer
    }
  }

  func take(_ token: String) {
    answers.withLock { $0[token] = nil }
  }
}
