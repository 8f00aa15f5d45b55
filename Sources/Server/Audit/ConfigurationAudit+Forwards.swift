import Directory
import Elements
import Numbering

// Calls to the outside that anybody can cause who calls a number of ours: by way of forwards.

extension ConfigurationAudit {
  /// Of one tenant; further ones are not told one by one.
  private static let mostForwards = 20

  /// What rings at a number, and forwards from line to line until it leaves for where thieves are paid, or abroad.
  func forwards() -> [AuditFinding] {
    directory.tenants.flatMap { tenant -> [AuditFinding] in
      guard !tenant.trunks.isEmpty else { return [] }
      var findings: [AuditFinding] = []
      var told: Set<ExtensionID> = []
      for (number, lines) in entrances(of: tenant) {
        for way in ways(from: lines) where told.insert(way.last.id).inserted {
          findings.append(finding(way, from: number, tenant))
        }
      }
      return Array(findings.prefix(Self.mostForwards))
    }
  }

  /// Lines that a call goes through, the first one rung, and where it leaves from the last.
  private struct Way {
    var lines: [Extension]
    let last: Extension
    let target: OutsideNumber
  }

  private func finding(_ way: Way, from number: String, _ tenant: Tenant) -> AuditFinding {
    let names = way.lines.map(\.digits.description).joined(separator: " and ")
    let group = LineGroup(tenant: tenant.name, numbers: [way.last.digits.description])
    return AuditFinding(
      .forwardsOut, at: .lines(group),
      "What rings at \(number) goes by way of \(names) to \(way.target.number), which \(way.last.digits) of \(tenant.name) pays."
    )
  }

  /// The tenant's numbers, with the lines that each may ring.
  private func entrances(of tenant: Tenant) -> [(String, [Extension])] {
    let entries = document.tenants.first { $0.name == tenant.name }?.numbers ?? []
    let lines = directory.extensions.filter { $0.tenant.id == tenant.id }
    return entries.map { entry in
      let shown = entry.last.map { "\(entry.first) to \($0)" } ?? entry.first
      guard let count = entry.lastDigits else {
        let rung = Set(entry.steps.flatMap(\.extensions))
        return (shown, lines.filter { rung.contains($0.digits.description) })
      }
      return (
        shown,
        lines.filter { line in
          line.digits.count == count && Self.isReached(line.digits.description, by: entry)
        }
      )
    }
  }

  /// Whether a number of the range ends so.
  private static func isReached(_ digits: String, by entry: NumberEntry) -> Bool {
    let last = entry.last ?? entry.first
    guard let first = UInt64(entry.first.dropFirst()), let end = UInt64(last.dropFirst()),
      let wanted = UInt64(digits)
    else { return false }
    let modulus = digits.reduce(UInt64(1)) { all, _ in all * 10 }
    let next = first - first % modulus + wanted
    return (next >= first ? next : next + modulus) <= end
  }

  /// Every way out from these lines, each line looked at once.
  private func ways(from lines: [Extension]) -> [Way] {
    var waiting = lines.map { [$0] }
    var seen = Set(lines.map(\.id))
    var ways: [Way] = []
    var next = 0
    while next < waiting.count {
      let path = waiting[next]
      next += 1
      guard let line = path.last else { continue }
      for target in line.forwards.targets {
        switch directory.dial(target.span, from: line) {
        case .line(let other):
          if seen.insert(other.id).inserted { waiting.append(path + [other]) }
        case .ownNumber(let route):
          for other in route.steps.flatMap(\.extensions) where seen.insert(other.id).inserted {
            waiting.append(path + [other])
          }
        case .outside(let number, .allow) where number.isInternational || number.kind.isPaidFor:
          ways.append(Way(lines: path, last: line, target: number))
        case .outside, .emergency, .unknown, .invalid: continue
        }
      }
    }
    return ways
  }
}

extension Forwards {
  fileprivate var targets: [[UInt8]] {
    [always, busy, noAnswer, notRegistered].compactMap(\.self)
  }
}

extension DestinationClass {
  /// Of which somebody has a share.
  fileprivate var isPaidFor: Bool { isDear || self == .pager }
}
