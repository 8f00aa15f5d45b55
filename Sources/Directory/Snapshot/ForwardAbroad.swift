package import Numbering

/// A forward that leads to another country, or to numbers of no country.
package struct ForwardAbroad: Sendable {
  package let line: Extension
  package let number: PhoneNumber
}

extension DirectorySnapshot {
  /// The forwards abroad that stand here and did not stand in `before`, in order of their extensions.
  package func forwardsAbroad(notIn before: DirectorySnapshot) -> [ForwardAbroad] {
    extensions.flatMap { line -> [ForwardAbroad] in
      let known = before.line(line.id).map { before.numbersAbroad(of: $0) } ?? []
      return numbersAbroad(of: line).filter { !known.contains($0) }
        .map { ForwardAbroad(line: line, number: $0) }
    }
  }

  private func numbersAbroad(of line: Extension) -> [PhoneNumber] {
    let forwards = line.forwards
    let targets = [forwards.always, forwards.busy, forwards.noAnswer, forwards.notRegistered]
    var numbers: [PhoneNumber] = []
    for target in targets.compactMap(\.self) {
      guard case .outside(let outside, _) = dial(target.span, from: line), outside.isInternational,
        !numbers.contains(outside.number)
      else { continue }
      numbers.append(outside.number)
    }
    return numbers
  }
}
