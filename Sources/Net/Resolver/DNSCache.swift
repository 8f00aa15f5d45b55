import Elements
import Synchronization

/// Answers of the name servers, each for as long as it is good; bounded.
final class DNSCache: Sendable {
  struct Question: Hashable, Sendable {
    let name: String
    let type: DNSMessage.RecordType
  }

  private struct Entry: Sendable {
    let data: [DNSMessage.Data]
    let until: Instant
  }

  private let entries = Mutex<[Question: Entry]>([:])
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  func data(for question: Question, at now: Instant) -> [DNSMessage.Data]? {
    entries.withLock { entries in
      guard let entry = entries[question] else { return nil }
      guard entry.until > now else {
        entries[question] = nil
        return nil
      }
      return entry.data
    }
  }

  func store(_ data: [DNSMessage.Data], for question: Question, until: Instant, at now: Instant) {
    entries.withLock { entries in
      if entries.count >= capacity, entries[question] == nil {
        entries = entries.filter { $0.value.until > now }
        // All still good: start over rather than search for the best to lose.
        if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
      }
      entries[question] = Entry(data: data, until: until)
    }
  }
}
