import Elements
import Synchronization

/// Answers of the name servers, each for as long as it is good, and longer while nobody answers (RFC 8767); bounded.
final class DNSCache: Sendable {
  struct Question: Hashable, Sendable {
    let name: String
    let type: DNSMessage.RecordType
  }

  private struct Entry: Sendable {
    let data: [DNSMessage.Data]
    var until: Instant
    /// When it is worth nothing any more, even if nobody answers.
    let forgottenAt: Instant
  }

  private let entries = Mutex<[Question: Entry]>([:])
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  func data(for question: Question, at now: Instant) -> [DNSMessage.Data]? {
    entries.withLock { entries in
      guard let entry = entries[question], entry.until > now else { return nil }
      return entry.data
    }
  }

  /// Keeps an answer: good until then, and for `stale` longer where nobody answers.
  func store(
    _ data: [DNSMessage.Data], for question: Question, until: Instant, stale: Duration,
    at now: Instant
  ) {
    entries.withLock { entries in
      if entries.count >= capacity, entries[question] == nil {
        entries = entries.filter { $0.value.until > now }
        // All still good: start over rather than search for the best to lose.
        if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
      }
      entries[question] = Entry(data: data, until: until, forgottenAt: until + stale)
    }
  }

  /// Nobody has answered: what was known before is good again until then.
  ///
  /// - Returns: Nil where nothing was known, or too long ago.
  func reuse(_ question: Question, until: Instant, at now: Instant) -> [DNSMessage.Data]? {
    entries.withLock { entries in
      guard let entry = entries[question], entry.forgottenAt > now else { return nil }
      entries[question]?.until = until
      return entry.data
    }
  }
}
