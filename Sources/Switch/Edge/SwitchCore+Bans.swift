import Elements
import Guard

// What people ask about bans.

extension SwitchCore {
  mutating func bans(_ request: BanRequest, at now: Now) -> CommandReply {
    switch request {
    case .list: return .bans(admission.standing(at: now.wall))
    case .explain(let address): return .banExplained(admission.explain(address, at: now))
    case .add(let network, let lasting, let reason, let person):
      do throws(BanOrderError) {
        let until = lasting.map { now.wall + $0 }
        let changes = try admission.order(
          network, until: until, words: "\(person): \(reason)", at: now)
        for change in changes { banned(change, at: now) }
        return .done
      } catch { return .refused("\(error)") }
    case .barred:
      let networks = barred.networks.sorted().compactMap { network in
        barred[network].map { BarredNetwork(network: network, until: $0) }
      }
      return .barred(networks.filter { $0.until.map { $0 > now.wall } ?? true })
    case .hear(let changes):
      hear(changes, at: now)
      return .done
    case .lift(let network, let person):
      let changes = admission.lift(network, at: now)
      for change in changes { banned(change, at: now) }
      let unlisted = admission.unlist(network, at: now.wall)
      for network in unlisted { reconcile(network, at: now) }
      if configuration.sharesBans { output.publications.append(.absolved(network)) }
      // Also where the clock was set and the ban is over for us, but not for those who count seconds.
      let closed = barred.networks.filter { $0.overlaps(network) }.sorted()
      for network in closed { unbar(network) }
      guard !changes.isEmpty || !unlisted.isEmpty || !closed.isEmpty else {
        return .refused("Nothing of \(network) is banned.")
      }
      log(
        .info, "ban lifted", Alert.Fact("network", "\(network)"), Alert.Fact("by", person),
        Alert.Fact("bans", "\(changes.count + unlisted.count)"))
      return .done
    }
  }
}
