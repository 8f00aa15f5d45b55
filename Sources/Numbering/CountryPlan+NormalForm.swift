extension CountryPlan {
  /// The E.164 number that `keys` mean when they are dialled in this country; nil when none can.
  ///
  /// Whether it is a real number is another question (``PhoneNumber/facts``). The order of the readings is
  /// that of libphonenumber's parser: plus sign, international prefix, national number, a national number
  /// with its calling code but no prefix.
  func normalForm(of keys: DialledKeys) -> PhoneNumber? {
    if keys.isGlobal {
      let rest = keys.dropFirst(1)
      // No calling code begins with 0: "+0034…" has a prefix behind its plus sign.
      return rest.isDigits && !rest.isEmpty && rest[0] != 0
        ? globalNumber(rest) : rest.isDigits ? dialled(rest) : nil
    }
    return keys.isDigits ? dialled(keys) : nil
  }

  /// Whether there is a prefix for other countries in front of a number.
  func beginsInternationally(_ keys: DialledKeys) -> Bool {
    guard let match = internationalPattern.match(keys, from: 0) else { return false }
    return match.length < keys.count && keys[match.length] != 0
  }

  private func dialled(_ keys: DialledKeys) -> PhoneNumber? {
    if let match = internationalPattern.match(keys, from: 0), match.length < keys.count {
      let rest = keys.dropFirst(match.length)
      if rest[0] != 0 { return globalNumber(rest) }
    }
    let national = nationalNumber(keys)
    if let national, national.facts.kind != .invalid { return national }
    if keys.starts(with: callingCode), let number = globalNumber(keys),
      number.facts.kind != .invalid
    {
      return number
    }
    return national
  }

  /// A number that begins with a calling code; a national prefix behind it, as in +44 (0)20, is left out.
  private func globalNumber(_ keys: DialledKeys) -> PhoneNumber? {
    let plain = keys.digits.flatMap { PhoneNumber(digits: $0) }
    if let plain, plain.facts.kind != .invalid { return plain }
    guard
      let (length, main) = NumberingTable.callingCode(keys.count, { keys[$0] }),
      let plan = main == region ? self : CountryPlan(main)
    else { return plain }
    let stripped = plan.nationalNumber(keys.dropFirst(length))
    return stripped.map { $0.facts.kind != .invalid ? $0 : plain ?? $0 } ?? plain
  }

  /// A number dialled within the country, its national prefix and carrier codes left out.
  private func nationalNumber(_ keys: DialledKeys) -> PhoneNumber? {
    let stripped = withoutNationalPrefix(keys)
    guard let digits = stripped.behind(callingCode)?.digits else { return nil }
    return PhoneNumber(digits: digits)
  }

  /// PhoneNumberUtil::MaybeStripNationalPrefixAndCarrierCode: a prefix is one only when what is left
  /// has the shape of a national number, or when the whole has not.
  private func withoutNationalPrefix(_ keys: DialledKeys) -> DialledKeys {
    guard let match = nationalPattern.match(keys, from: 0), match.length > 0 else { return keys }
    let stripped = transformed(keys, match)
    if hasNationalShape(keys), !hasNationalShape(stripped) { return keys }
    return stripped
  }

  /// What replaces a matched prefix: nothing, or digits and captured groups (Argentina's 15, +1 268…).
  private func transformed(_ keys: DialledKeys, _ match: PrefixPattern.Match) -> DialledKeys {
    let rest = keys.dropFirst(match.length)
    // As the original: the rule counts only when the last group took part.
    guard !nationalTransform.isEmpty, match.captures[lastGroup] != nil else { return rest }
    var front = DialledKeys()
    for index in nationalTransform {
      let word = PrefixPattern.transformWord(index)
      if word < 16 {
        try? front.append(word)
      } else if Int(word) - 16 < match.captures.count, let range = match.captures[Int(word) - 16] {
        for position in range { try? front.append(keys[position]) }
      }
    }
    return front.appending(rest) ?? keys
  }

  private var lastGroup: Int {
    nationalTransform.map { Int(PrefixPattern.transformWord($0)) - 16 }.max().map {
      min(max($0, 1), 2)
    }
      ?? 1
  }

  private func hasNationalShape(_ keys: DialledKeys) -> Bool {
    keys.digits.map { NumberingTable.accepts(from: generalRoot, $0) } ?? false
  }
}
