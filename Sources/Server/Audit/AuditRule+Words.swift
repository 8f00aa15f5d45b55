extension AuditRule {
  /// Why it matters, in a sentence.
  package var why: String {
    switch self {
    case .phonePassword:
      "Who scans the internet for telephone systems tries this password within minutes, and calls at your cost."
    case .trunkPassword:
      "Who guesses it calls at the carrier in your name, past this server and its limits."
    case .webhookSecret: "Who guesses it can forge what your systems take for alerts."
    case .mailPassword: "Who guesses it sends mail in your name, to your users first."
    case .passwordsUntried: "A weak password may be among those that were not tried."
    case .unlimited:
      "A stolen password costs whatever a thief can call until somebody notices: usually a weekend."
    case .costlyOpen:
      "These numbers are called by thieves, who are paid for it, and seldom by people."
    case .forwardsOut:
      "Who calls that number makes calls there at its owner's cost, from any telephone and without a password."
    case .noLimit: "One stolen password may spend everything that its tenant has."
    case .highLimit:
      "A stolen password costs as much as its limits allow, each day until it is noticed."
    case .noTenantLimit: "If many passwords are stolen at once, their limits add up."
    case .stale: "Nobody misses an account that nobody uses, so nobody notices its theft."
    case .anywhere: "A stolen password works from every country of the world."
    case .trunkByName:
      "Who can forge an answer of the name service delivers calls in the carrier's name."
    case .trunkWide: "Everybody in so large a network can deliver calls in the carrier's name."
    case .neverBan: "Everybody in so large a network may guess passwords for as long as he wants."
    case .kernelBans: "What is banned still costs the server a look at each packet."
    case .nobodyTold: "A theft is stopped at the limit, and nobody hears of it."
    case .secretFile: "Who reads it opens every secret of the database, or speaks TLS in your name."
    case .clearSecrets: "Every user of the machine, and every program, reads the secrets in it."
    case .changeable:
      "Who may change it has the server serve other keys, other data or other listeners."
    case .controlSocket: "Who can open it is an operator: he raises limits and ends calls."
    case .dataFolder:
      "Call records and backups that lie in it are open to every user of the machine."
    case .foreignFile: "A copy of the data is worth as much as the data."
    case .root: "A fault in a telephone server that runs as root gives the whole machine away."
    case .controlPort:
      "Who reaches it takes over the machine, or what it serves, without a password."
    case .dataPort: "It is attacked as soon as it is seen, and is not needed by any phone."
    case .sshPasswords:
      "Passwords of the machine's users are guessed all day long, as those of phones are."
    case .otherPort: "Each open port is one more program that must have no hole."
    case .pages: "Everybody sees how much is called, who is attacked, and when you are busy."
    case .noFirewall: "A program that is started by mistake is open to the world at once."
    case .openV6: "What the filter closes for IPv4 is open for everybody who has IPv6."
    case .hole: "What is started there by mistake, or by an intruder, is open to the world at once."
    case .openCall: "Strangers call at your cost."
    case .openRelay: "Strangers send calls through this server, and you are blamed, or pay."
    case .openRegistrar: "Strangers take calls of your users, and call in their names."
    case .tellsUsers: "A guesser learns which users exist, and tries passwords on those alone."
    case .namesItself: "Scanners look for versions with known holes."
    case .amplifies: "A flood with a forged sender grows here on its way to its victim."
    case .weakDigest:
      "An answer that was overheard can be used again, or its password computed more easily."
    case .silent: "Nobody can say how it treats strangers; phones may not reach it either."
    case .oldTLS: "These versions are broken, and have been forbidden since 2021 (RFC 8996)."
    case .weakCipher: "What is encrypted with it can be read or altered on the way."
    case .noSecrecy: "Who records calls today and gets the key one day reads them then."
    case .noNewTLS: "It closes what was found in the versions before."
    case .noTLS: "Who calls whom, and the keys of encrypted media, can be read on the way."
    case .certificateEnded, .certificateEnds, .certificateEarly:
      "Phones refuse it, or have been told to take any."
    case .certificateOwn:
      "Phones that were not given it must take any certificate, that of a listener in between too."
    case .certificateName: "Phones that check the name refuse it, so they are told not to check."
    case .certificateWeak: "It can be forged, and then anybody in between is you."
    case .unseenNetwork, .unseenAnswer, .unseenUsers, .unseenTLS, .unseenPorts, .unseenSSH,
      .unseenFirewall, .unseenFiles, .unseenUse:
      "What was not seen is not known to be well."
    }
  }

  /// How to mend it.
  package var wayOut: String {
    switch self {
    case .phonePassword:
      "Write a new password into the configuration, or another user name to have one made; then put it into the phone."
    case .trunkPassword: "Have the carrier set a new one, and write it into the configuration."
    case .webhookSecret:
      "Write a new secret of 24 random bytes (`openssl rand -base64 24`) on both sides."
    case .mailPassword: "Have the mail server set a new one, and write it into the configuration."
    case .passwordsUntried: "Run the audit again when the machine is idle, or with a shorter list."
    case .unlimited: "Set `limits: { spend: { day: …, month: … } }`, or close these destinations."
    case .costlyOpen:
      "Close them under `destinations`, and open single prefixes for those who need them."
    case .forwardsOut:
      "Take the forward out, close the country under `destinations` of that extension, or give it a low `spend`."
    case .noLimit:
      "Leave the limits out to have the safe ones, or set `spend` of a day and a month."
    case .highLimit:
      "Set what a phone really needs; a limit that was reached is lifted in a minute."
    case .noTenantLimit: "Set `limits: { spend: { day: …, month: … } }` of the tenant."
    case .stale: "Take the extension out of the configuration, or close its destinations."
    case .anywhere: "Name the networks or countries of its phones: `sources`, `source_countries`."
    case .trunkByName: "Name the carrier's networks: `sources` of the trunk."
    case .trunkWide: "Ask the carrier which addresses its calls come from, and name those only."
    case .neverBan: "Name single addresses, or networks of your own."
    case .kernelBans:
      "Install nftables and give the server CAP_NET_ADMIN; `firewall` in its settings says more."
    case .nobodyTold:
      "Set `notices` of the tenant or of the platform, and `mail` for those by mail."
    case .secretFile: "chmod 600, and change what it protects if anybody has read it."
    case .clearSecrets:
      "chmod 600, with LoadCredential for what a service reads, and change the secrets if anybody has read them."
    case .changeable: "chmod go-w, and `chown` to root or to the user of the server."
    case .controlSocket: "Restart the server, which makes it anew, and find out who opened it."
    case .dataFolder: "chmod 700"
    case .foreignFile: "Move it to where only you can read it, or remove it."
    case .root: "Run it as a user of its own, as the unit in Packaging does."
    case .controlPort, .dataPort:
      "Stop it, bind it to 127.0.0.1, or close the port in the firewall, for IPv6 too."
    case .sshPasswords: "Set `PasswordAuthentication no` in /etc/ssh/sshd_config and use keys."
    case .otherPort: "Stop what you do not need; close the port in the firewall, for IPv6 too."
    case .pages:
      "Let it listen on 127.0.0.1 (`--http`), or let the firewall pass your monitoring only."
    case .noFirewall:
      "Drop what is not for SIP, media and your own access, with nftables in a table `inet`."
    case .openV6: "Put the same rules into a table of the family `inet`, which is for both."
    case .hole: "Take the port out of what the firewall accepts."
    case .openCall, .openRelay, .openRegistrar:
      "Close the port in the firewall at once, and send us what you see: this must not be."
    case .tellsUsers, .namesItself, .amplifies:
      "Where this server answers, it is a fault of ours: send us the finding."
    case .weakDigest:
      "Where this server answers, it is a fault of ours; elsewhere ask for qop and fresh nonces."
    case .silent:
      "Look whether it runs, and whether a firewall or a ban of this machine is in between."
    case .oldTLS, .weakCipher, .noSecrecy, .noNewTLS:
      "Where this server answers, it is a fault of ours; elsewhere allow TLS 1.2 and 1.3 with ECDHE only."
    case .noTLS: "Let it listen for TLS, too: leave the transport out in `sip`."
    case .certificateEarly:
      "Look at this machine's clock (`timedatectl`); else put one that holds already into the TLS folder."
    case .certificateEnded, .certificateEnds:
      "Put a new one into the TLS folder; the server takes it within seconds."
    case .certificateOwn:
      "Put a certificate of an authority that your phones know into the TLS folder."
    case .certificateName:
      "Have one made for the domain, as a DNS name and as a sip: URI; each may have its own (docs/operator/operations.md)."
    case .certificateWeak:
      "Have one made with ECDSA P-256, or RSA of 2048 bits or more, and SHA-256."
    case .unseenNetwork: "Start the server, and run the audit again."
    case .unseenAnswer:
      "Run it again; if that stays, ask from another place, with `--domain`, or name the transport: `--target tls:HOST`."
    case .unseenUsers: "With `--target` name one who exists: `--user 101`. Otherwise run it again."
    case .unseenTLS:
      "Run it again; with `--target` name a SIP domain (`--domain`), and the port where TLS is spoken."
    case .unseenPorts: "Run the audit as root on the machine itself."
    case .unseenSSH: "Run it as root, or look yourself: `sshd -T | grep -i password`."
    case .unseenFirewall:
      "Run it as root; of rules by other tools than nft ask from another machine: `--target`, and a port scanner."
    case .unseenFiles: "Run the audit as root, with the same `--config` as the server."
    case .unseenUse: "Look into `martinet registrations`, and run the audit again in a month."
    }
  }
}
