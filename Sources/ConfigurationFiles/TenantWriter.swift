import Directory
import Yams

/// Writes a tenant.
struct TenantWriter {
  let tenant: TenantEntry

  var node: NodeBuilder {
    let usual = TenantEntry(name: "", domain: "", country: "")
    var node = NodeBuilder()
    node.add("name", tenant.name)
    node.add("domain", tenant.domain)
    node.add("timezone", tenant.timezone)
    node.add("country", tenant.country)
    node.add("currency", tenant.currency)
    node.add("limits", LimitWriter.node(tenant.limits, base: usual.limits))
    node.add(
      "extension_limits", LimitWriter.node(tenant.extensionLimits, base: usual.extensionLimits))
    node.add("destinations", destinations(tenant.destinations))
    node.add("outside_line", tenant.outsideLine)
    node.add("emergency", texts: tenant.emergency)
    node.add("extensions", list: tenant.extensions.map(line))
    node.add("devices", list: tenant.devices.map { device($0, of: nil) })
    node.add("numbers", list: tenant.numbers.map(number))
    node.add("trunks", texts: tenant.trunks)
    node.add("emergency_trunks", texts: tenant.emergencyTrunks)
    var rates = NodeBuilder()
    rates.add("sell", tenant.rates.sell)
    rates.add("purchase", tenant.rates.purchase)
    node.add("rates", rates)
    node.add("notices", NoticeWriter.node(tenant.notices))
    var callerID = NodeBuilder()
    callerID.add("number", tenant.callerID.number)
    callerID.add("withhold", tenant.callerID.withhold, unless: false)
    callerID.add("foreign", texts: tenant.callerID.foreign)
    node.add("caller_id", callerID)
    MediaWriter.add(tenant.media, to: &node, unless: MediaEntry())
    node.add("session_timer", MediaWriter.node(tenant.sessionTimer))
    node.add("retention", RetentionWriter.node(tenant.retention))
    node.add("sources", texts: tenant.sources ?? [])
    node.add("source_countries", texts: tenant.sourceCountries ?? [])
    return node
  }

  private func line(_ entry: ExtensionEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("number", entry.number)
    node.add("name", entry.name, unless: entry.number)
    // The short form: one device named like the extension.
    if let device = entry.devices.first, entry.devices.count == 1,
      device.username == entry.number, device.name == entry.name
    {
      node.add("sources", texts: device.sources)
      node.add("source_countries", texts: device.sourceCountries ?? [])
    } else {
      let devices = entry.devices.map { self.device($0, of: entry) }
      if devices.isEmpty {
        node.add("devices", node: .sequence([]))
      } else {
        node.add("devices", list: devices)
      }
    }
    if let limits = entry.limits {
      let written = LimitWriter.node(limits, base: tenant.extensionLimits)
      // Even one that sets nothing differs from none: it does not follow the tenant's.
      node.add("limits", node: written.node)
    }
    node.add("destinations", entry.destinations.map(destinations) ?? NodeBuilder())
    node.add("forwards", forwards(entry.forwards))
    var callerID = NodeBuilder()
    callerID.add("number", entry.callerID.number)
    callerID.add("withhold", entry.callerID.withhold)
    callerID.add("allowed", texts: entry.callerID.allowed)
    node.add("caller_id", callerID)
    node.add("ring", number: entry.ringSeconds, unless: 60)
    if let media = entry.media { MediaWriter.add(media, to: &node, unless: nil) }
    return node
  }

  private func device(_ entry: DeviceEntry, of line: ExtensionEntry?) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("username", entry.username)
    node.add("name", entry.name, unless: entry.username)
    if line == nil { node.add("extensions", texts: entry.extensions) }
    node.add("sources", texts: entry.sources)
    node.add("source_countries", texts: entry.sourceCountries ?? [])
    return node
  }

  private func destinations(_ entry: DestinationEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("international", entry.international?.rawValue)
    for name in DestinationReader.classNames {
      node.add(name, entry.classes[name]?.rawValue)
    }
    node.add("allow", texts: entry.allow)
    node.add("deny", texts: entry.deny)
    return node
  }

  private func forwards(_ entry: ForwardEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("always", entry.always)
    node.add("busy", entry.busy)
    node.add("no_answer", entry.noAnswer)
    node.add("no_answer_after", number: entry.noAnswerSeconds, unless: 20)
    node.add("not_registered", entry.notRegistered)
    node.add("by_phone", entry.byPhone, unless: false)
    return node
  }

  private func number(_ entry: NumberEntry) -> NodeBuilder {
    var node = NodeBuilder()
    node.add(entry.last == nil ? "number" : "first", entry.first)
    node.add("last", entry.last)
    node.add("last_digits", number: entry.lastDigits)
    if entry.steps.count == 1 {
      node.add("to", texts: entry.steps[0].extensions)
      node.add("ring", number: entry.steps[0].seconds, unless: 60)
    } else {
      node.add(
        "to",
        list: entry.steps.map { step in
          var node = NodeBuilder()
          node.add("extensions", texts: step.extensions)
          node.add("ring", number: step.seconds)
          return node
        })
    }
    return node
  }
}

enum RetentionWriter {
  static func node(_ retention: RetentionEntry?) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("call_records", number: retention?.callRecordDays)
    node.add("alerts", number: retention?.alertDays)
    return node
  }
}

enum MediaWriter {
  static func add(_ media: MediaEntry, to node: inout NodeBuilder, unless usual: MediaEntry?) {
    guard media != usual else { return }
    node.add("srtp", media.srtp.rawValue)
    node.add("codecs", texts: media.codecs)
  }

  static func node(_ timer: SessionTimerEntry) -> NodeBuilder {
    let usual = SessionTimerEntry()
    var node = NodeBuilder()
    node.add("expires", number: timer.expires, unless: usual.expires)
    node.add("minimum", number: timer.minimum, unless: usual.minimum)
    return node
  }
}

/// Writes a trunk.
enum TrunkWriter {
  static func node(_ trunk: TrunkEntry) -> NodeBuilder {
    let usual = TrunkEntry(name: "", address: "")
    var node = NodeBuilder()
    node.add("name", trunk.name)
    node.add("address", trunk.address)
    node.add("channels", number: trunk.channels)
    if let registration = trunk.registration {
      var register = credentials(registration.credentials)
      register.add("address_of_record", registration.addressOfRecord)
      register.add("expires", number: registration.expiresSeconds, unless: 600)
      node.add("register", register)
    }
    node.add("credentials", trunk.credentials.map(credentials) ?? NodeBuilder())
    node.add("sources", texts: trunk.sources)
    node.add("client_certificate", trunk.clientCertificate)
    node.add("present_certificate", trunk.presentCertificate)
    node.add("number_format", trunk.numberFormat, unless: usual.numberFormat)
    node.add("prefix", trunk.prefix, unless: usual.prefix)
    node.add("country", trunk.country)
    node.add("identity", trunk.identity.rawValue, unless: usual.identity.rawValue)
    node.add("probe", number: trunk.probeSeconds, unless: usual.probeSeconds)
    node.add("timeout_ms", number: trunk.timeoutMilliseconds, unless: usual.timeoutMilliseconds)
    node.add("progress_timeout", number: trunk.progressSeconds)
    var rates = NodeBuilder()
    rates.add("purchase", trunk.purchase)
    node.add("rates", rates)
    node.add("limits", LimitWriter.node(trunk.limits, base: usual.limits))
    MediaWriter.add(trunk.media, to: &node, unless: usual.media)
    node.add("session_timer", MediaWriter.node(trunk.sessionTimer))
    return node
  }

  private static func credentials(_ credentials: TrunkCredentials) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("username", credentials.username)
    node.add("realm", credentials.realm)
    return node
  }
}
