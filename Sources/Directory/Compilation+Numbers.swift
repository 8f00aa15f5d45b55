import Elements
import Numbering

extension Compilation {
  /// Longest range of direct numbers.
  private static let longestRange: UInt64 = 1_000_000

  /// Numbers that come in, and the list of those that may be shown.
  mutating func compileNumbers(_ context: inout TenantContext) {
    let path = context.path.key("numbers")
    for (index, entry) in context.entry.numbers.enumerated() {
      let path = path.item(index, entry.first)
      guard let range = range(of: entry, at: path) else { continue }
      context.ownNumbers.append(range)
      if entry.last == nil {
        for line in entry.steps.flatMap(\.extensions) where context.directNumbers[line] == nil {
          context.directNumbers[line] = range.lowerBound
        }
      }
      let target =
        entry.lastDigits.map(InboundTable.Target.lastDigits)
        ?? .steps(steps(of: entry, context, at: path.key("to")))
      if let count = entry.lastDigits {
        checkRange(count, 2...min(8, range.lowerBound.digits.count), at: path.key("last_digits"))
      }
      indexes.inbound.entries.append(
        InboundTable.Entry(
          first: range.lowerBound, last: range.upperBound, tenant: context.id, target: target))
    }
    let foreign = context.path.key("caller_id").key("foreign")
    for (index, text) in context.entry.callerID.foreign.enumerated() {
      if let number = number(text, at: foreign.item(index)) {
        context.ownNumbers.append(number...number)
      }
    }
  }

  /// An E.164 number with a known calling code; whether the plan has it is for the carrier to know.
  private mutating func number(_ text: String, at path: FieldPath) -> PhoneNumber? {
    guard let number = PhoneNumber(text) else {
      report(path, "\"\(text)\" is not in E.164 form; write + and the country code, +34976111222")
      return nil
    }
    let code = number.callingCode.length
    if code == 0 || number.digits.count < code + 3 {
      report(path, "\"\(text)\" \(code == 0 ? "has no known country code" : "is too short")")
      return nil
    }
    return number
  }

  private mutating func range(
    of entry: NumberEntry, at path: FieldPath
  ) -> ClosedRange<PhoneNumber>? {
    let firstKey = path.key(entry.last == nil ? "number" : "first")
    guard let first = number(entry.first, at: firstKey) else { return nil }
    guard let text = entry.last else { return first...first }
    guard let last = number(text, at: path.key("last")) else { return nil }
    if last.digits.count != first.digits.count || last < first {
      report(path.key("last"), "a range ends at or behind its first number, with as many digits")
      return nil
    }
    if last.value - first.value >= Self.longestRange {
      report(path.key("last"), "a range has up to \(Self.longestRange) numbers")
      return nil
    }
    return first...last
  }

  private mutating func steps(
    of entry: NumberEntry, _ context: TenantContext, at path: FieldPath
  ) -> [(extensions: [ExtensionID], duration: Duration)] {
    if entry.steps.isEmpty { report(path, "says nobody who rings; name an extension") }
    var steps: [(extensions: [ExtensionID], duration: Duration)] = []
    for (index, step) in entry.steps.enumerated() {
      let path = entry.steps.count == 1 ? path : path.item(index)
      checkRange(step.seconds, 5...600, at: path.key("seconds"))
      checkRange(step.extensions.count, 1...64, at: path)
      var lines: [ExtensionID] = []
      for number in step.extensions {
        if let line = context.lines[number] {
          if !lines.contains(line) { lines.append(line) }
        } else {
          report(path, unknownLine(number, context))
        }
      }
      steps.append((lines, .seconds(step.seconds)))
    }
    return steps
  }

  /// "there is no extension …", with a suggestion as long as there are few problems.
  func unknownLine(_ number: String, _ context: TenantContext) -> String {
    let known = problems.count < 20 ? context.lines.keys.sorted() : []
    return "there is no extension \"\(number)\"\(Self.suggestion(number, known))"
  }

  /// Sorts the numbers of all tenants and refuses those that two entries claim.
  mutating func finishNumbers() {
    var entries = indexes.inbound.entries
    entries.sort {
      ($0.first.digits.count, $0.first, $0.last) < ($1.first.digits.count, $1.first, $1.last)
    }
    for (earlier, later) in zip(entries, entries.dropFirst())
    where earlier.first.digits.count == later.first.digits.count && later.first <= earlier.last {
      let name = document.tenants.first { tenant in
        var identities = identities
        return identities.tenant(tenant.name) == earlier.tenant
      }?.name
      report(
        pathOfNumber(later), "\(later.first) belongs to tenant \"\(name ?? "")\" already")
    }
    indexes.inbound.entries = entries
  }

  private func pathOfNumber(_ entry: InboundTable.Entry) -> FieldPath {
    var identities = identities
    for (index, tenant) in document.tenants.enumerated()
    where identities.tenant(tenant.name) == entry.tenant {
      for (position, number) in tenant.numbers.enumerated().reversed()
      where number.first == entry.first.description {
        return FieldPath().key("tenants").item(index, tenant.name).key("numbers")
          .item(position, number.first)
      }
    }
    return FieldPath().key("tenants")
  }
}

extension Compilation {
  mutating func checkCallerID(_ context: TenantContext) {
    guard let text = context.entry.callerID.number else { return }
    _ = ownNumber(text, context, at: context.path.key("caller_id").key("number"))
  }

  /// A number that the tenant may show; anything else would be somebody else's.
  private mutating func ownNumber(
    _ text: String, _ context: TenantContext, at path: FieldPath
  ) -> PhoneNumber? {
    guard let number = number(text, at: path) else { return nil }
    if context.ownNumbers.contains(where: { range in
      range.contains(number) && range.lowerBound.digits.count == number.digits.count
    }) {
      return number
    }
    report(
      path,
      "\(text) is not among the numbers of the tenant; add it there, or to caller_id foreign "
        + "if it is its own elsewhere")
    return nil
  }

  /// The first number that rings an extension, alone or by its last digits.
  private func directNumber(of line: String, _ context: TenantContext) -> PhoneNumber? {
    if let single = context.directNumbers[line] { return single }
    for entry in context.entry.numbers where entry.lastDigits == line.utf8.count {
      if let last = entry.last.flatMap({ PhoneNumber($0) }), let first = PhoneNumber(entry.first),
        let number = PhoneNumber(entry.first.dropLast(line.utf8.count) + line),
        first <= number, number <= last
      {
        return number
      }
    }
    return nil
  }

  mutating func callerID(
    of entry: ExtensionEntry, _ context: TenantContext, at path: FieldPath
  ) -> CallerIDRule {
    var own: PhoneNumber?
    if let text = entry.callerID.number {
      own = ownNumber(text, context, at: path.key("number"))
    }
    let number =
      own ?? directNumber(of: entry.number, context)
      ?? context.entry.callerID.number.flatMap { PhoneNumber($0) }
    var allowed = Set([number].compactMap { $0 })
    for (index, text) in entry.callerID.allowed.enumerated() {
      if let number = ownNumber(text, context, at: path.key("allowed").item(index)) {
        allowed.insert(number)
      }
    }
    return CallerIDRule(
      number: number, allowed: allowed.sorted(),
      withhold: entry.callerID.withhold ?? context.entry.callerID.withhold)
  }
}
