extension Document {
    /// What a service says of an error instead of giving data, in at most 200 bytes, without what may be a token, an id or an address; nil
    /// where it says nothing of the kind.
    ///
    /// Knows the forms of the Graph API and Google (`error.message`, `error.code`), of GraphQL and JSON:API (`errors[].message`), of OAuth
    /// (`error`, `error_description`) and of problem details (`title`, `detail`, `status`).
    var complaint: String? {
        func child(_ node: Node?, _ name: String) -> Node? { node.flatMap { member($0, Array(name.utf8)) } }
        func said(_ node: Node?, _ names: [String]) -> [String] {
            names.compactMap { child(node, $0).flatMap { text($0) } }.filter { !$0.isEmpty }.map { Self.harmless($0) }
        }
        var place: Node? = root
        if let error = child(root, "error"), isContainer(error) { place = error }
        if let errors = child(root, "errors"), let first = elements(errors).first { place = first }
        var words = said(place, ["message", "error_description", "title", "detail"])
        let codes = said(place, ["code", "status", "type", "error"])
        let inner = child(place, "errors").flatMap { elements($0).first }
        let reasons = said(inner, ["reason"])
        guard place != root || !words.isEmpty && !codes.isEmpty || child(root, "error") != nil else { return nil }
        words += codes.isEmpty && reasons.isEmpty ? [] : ["(\((codes + reasons).joined(separator: ", ")))"]
        guard !words.isEmpty else { return nil }
        var shown = Array(words.joined(separator: " ").utf8.prefix(200))
        while String(validating: shown, as: UTF8.self) == nil { shown.removeLast() }
        return String(decoding: shown, as: UTF8.self)
    }

    /// A message without secrets, addresses, and words that are more id than word.
    private static func harmless(_ text: [UInt8]) -> String {
        let bare = PageSecrets.redact(Array(text.prefix(2_000)), .least).text
        let words = bare.split(whereSeparator: { $0 <= 32 }).map { word -> [UInt8] in
            let digits = word.count { $0 &- 48 < 10 }
            let isAddress = word.contains(UInt8(ascii: "@")) || contains(Array(word), Array("://".utf8))
            let isOpaque = digits >= 6 || word.count >= 24 && digits > 0 || word.count >= 40
            return isAddress || isOpaque ? Array("…".utf8) : Array(word)
        }
        return words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
