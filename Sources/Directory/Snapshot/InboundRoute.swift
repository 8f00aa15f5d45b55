import Elements
package import Numbering

/// Whom a number rings.
package struct InboundRoute: Sendable {
  package let number: PhoneNumber
  package let tenant: Tenant
  /// One after the other; the extensions of a step ring together.
  ///
  /// Never empty.
  package let steps: [RingStep]
}

/// Extensions that ring together for some time.
package struct RingStep: Sendable {
  package let extensions: [Extension]
  package let duration: Duration
}

/// The numbers of all tenants, sorted, without overlaps.
struct InboundTable: Sendable {
  struct Entry: Sendable {
    let first: PhoneNumber
    let last: PhoneNumber
    let tenant: TenantID
    let target: Target
  }

  enum Target: Sendable {
    case steps([(extensions: [ExtensionID], duration: Duration)])
    /// The extension whose number is that many last digits; rings as long as it is set to.
    case lastDigits(Int)
  }

  /// Ascending by the count of digits, then by `first`.
  var entries: [Entry] = []

  func route(of number: PhoneNumber, in snapshot: DirectorySnapshot) -> InboundRoute? {
    guard let entry = entry(of: number), let tenant = snapshot.tenant(entry.tenant) else {
      return nil
    }
    let steps = steps(of: entry, number, in: snapshot)
    return steps.isEmpty ? nil : InboundRoute(number: number, tenant: tenant, steps: steps)
  }

  func entry(of number: PhoneNumber) -> Entry? {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      let first = entries[middle].first
      let isBefore = (first.digits.count, first) <= (number.digits.count, number)
      if isBefore { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let entry = entries[low - 1]
    return number <= entry.last && number.digits.count == entry.first.digits.count ? entry : nil
  }

  private func steps(
    of entry: Entry, _ number: PhoneNumber, in snapshot: DirectorySnapshot
  ) -> [RingStep] {
    switch entry.target {
    case .steps(let steps):
      return steps.map { step in
        RingStep(
          extensions: step.extensions.compactMap { snapshot.line($0) }, duration: step.duration)
      }
    case .lastDigits(let count):
      let digits = number.digits.dropFirst(number.digits.count - count)
      guard let line = snapshot.line(entry.tenant, digits) else { return [] }
      return [RingStep(extensions: [line], duration: line.ringTime)]
    }
  }
}
