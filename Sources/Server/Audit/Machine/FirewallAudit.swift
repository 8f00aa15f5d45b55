import Elements

/// Whether the kernel filters what comes in, for both families alike, and what it lets in that is not there.
package struct FirewallAudit {
  private let rules: FilterRules
  private let judge: FilterJudge
  /// The table of the server's own bans, "martinet_5060"; nil where it is not to have one.
  private let own: String?
  private let hasV6: Bool

  /// Ports that nobody has opened are far more than those that somebody has.
  private static let most = 32_768
  private static let fewestShown = 5

  package init(_ rules: FilterRules, own: String?, hasV6: Bool) {
    (self.rules, judge) = (rules, FilterJudge(rules))
    (self.own, self.hasV6) = (own, hasV6)
  }

  /// `used` are ports that somebody listens on or may; nil: nobody knows all of them.
  package func findings(used: [ClosedRange<UInt16>]? = nil) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    let (v4, v6) = (openPorts(isV4: true), openPorts(isV4: false))
    if let what = v4.unfiltered {
      findings.append(
        AuditFinding(.noFirewall, at: .platform, "The kernel lets in \(what) to any port."))
    } else if hasV6, let what = v6.unfiltered {
      findings.append(
        AuditFinding(
          .openV6, at: .platform,
          (v4.isUnsure ? "The kernel" : "The kernel filters IPv4, and")
            + " lets in \(what) of IPv6 to any port."
        ))
    } else if let used {
      let holes = Self.holes(in: v4.surelyOpen + (hasV6 ? v6.surelyOpen : []), beside: used)
      if !holes.isEmpty {
        let shown = holes.prefix(Self.fewestShown).map(Self.words).joined(separator: ", ")
        let more = holes.count > Self.fewestShown ? " and others" : ""
        findings.append(
          AuditFinding(
            .hole, at: .platform,
            "The kernel's filter lets strangers to ports where nothing listens: \(shown)\(more)."))
      }
    }
    findings += sentOn
    if v4.isUnsure || hasV6 && v6.isUnsure {
      findings.append(
        AuditFinding(
          .unseenFirewall, at: .platform,
          "The kernel's filter has rules that cannot be judged here, such as those of iptables, or of rates."
        ))
    }
    if let own, !rules.hasTable(own) {
      findings.append(
        AuditFinding(.kernelBans, at: .platform, "There is no table \(own) with the server's bans.")
      )
    }
    return findings
  }

  /// What goes past the ports of this machine: containers, and other machines behind it.
  private var sentOn: [AuditFinding] {
    [OpenPort.Kind.tcp, .udp].compactMap { kind in
      let ranges = rules.ranges.filter { range in
        [true, false].contains { isV4 in
          judge.leadsOn(
            FilterPacket(kind: kind, port: range.lowerBound, isV4: isV4, address: nil)) == .yes
        }
      }
      guard !ranges.isEmpty else { return nil }
      let ports = ranges.prefix(Self.fewestShown).map(Self.words).joined(separator: ", ")
      let place = "\(kind.rawValue.uppercased()) \(ports)"
      return AuditFinding(
        .otherPort, at: .address(place),
        "What comes to \(place) is sent on by the kernel (dnat or redirect), past its filter for this machine."
      )
    }
  }

  // MARK: All ports

  private struct Family {
    /// By protocol: ranges with one verdict each.
    var verdicts: [OpenPort.Kind: [(ClosedRange<UInt16>, FilterJudge.Verdict)]] = [:]

    private func count(_ kind: OpenPort.Kind, _ verdict: FilterJudge.Verdict) -> Int {
      (verdicts[kind] ?? []).filter { $0.1 == verdict }.reduce(0) { $0 + $1.0.count }
    }

    /// "TCP", "TCP and UDP"; nil where neither is let in at large.
    var unfiltered: String? {
      let kinds = [OpenPort.Kind.tcp, .udp].filter { count($0, .open) > FirewallAudit.most }
      return kinds.isEmpty
        ? nil : kinds.map { $0.rawValue.uppercased() }.joined(separator: " and ")
    }

    var isUnsure: Bool {
      [OpenPort.Kind.tcp, .udp].contains { count($0, .unsure) > FirewallAudit.most }
    }

    var surelyOpen: [ClosedRange<UInt16>] {
      [OpenPort.Kind.tcp, .udp].flatMap { kind in
        (verdicts[kind] ?? []).filter { $0.1 == .open }.map(\.0)
      }
    }
  }

  private func openPorts(isV4: Bool) -> Family {
    var family = Family()
    for kind in [OpenPort.Kind.tcp, .udp] {
      family.verdicts[kind] = rules.ranges.map { range in
        let packet = FilterPacket(
          kind: kind, port: range.lowerBound, isV4: isV4, address: nil)
        return (range, judge.verdict(on: packet))
      }
    }
    return family
  }

  /// What of the open ranges nobody uses, in order and without overlaps.
  static func holes(
    in open: [ClosedRange<UInt16>], beside used: [ClosedRange<UInt16>]
  ) -> [ClosedRange<UInt16>] {
    var isHole = [Bool](repeating: false, count: 65_536)
    for range in open { for port in range { isHole[Int(port)] = true } }
    for range in used { for port in range { isHole[Int(port)] = false } }
    var holes: [ClosedRange<UInt16>] = []
    var start: UInt16?
    for port in UInt16.min...UInt16.max {
      let isOne = isHole[Int(port)]
      if isOne, start == nil { start = port }
      if let first = start, !isOne || port == .max {
        holes.append(first...(isOne ? port : port - 1))
        start = nil
      }
    }
    return holes
  }

  private static func words(_ range: ClosedRange<UInt16>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }
}

extension FilterRules {
  /// All ports, cut where any condition could tell two of them apart.
  package var ranges: [ClosedRange<UInt16>] {
    var starts: Set<Int> = [1]
    func note(_ value: FilterValue) {
      switch value {
      case .number(let port): starts.formUnion([port, port + 1])
      case .list(let values): values.forEach(note)
      case .object(let fields):
        // Of an element with a timeout or a counter only its value can be a port.
        if let value = fields["elem"]?["val"] {
          note(value)
        } else if let ends = fields["range"]?.list?.compactMap(\.number), ends.count == 2 {
          starts.formUnion([ends[0], ends[1] + 1])
        } else {
          fields.values.forEach(note)
        }
      case .null, .bool, .text: break
      }
    }
    for chain in chains.values { chain.rules.forEach { $0.forEach(note) } }
    sets.values.forEach { $0.forEach(note) }
    let cuts = starts.filter { (1...65_535).contains($0) }.sorted()
    return zip(cuts, cuts.dropFirst() + [65_536]).map { UInt16($0)...UInt16($1 - 1) }
  }
}
