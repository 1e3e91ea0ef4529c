set edit:completion:arg-completer[ktk] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) KTK_COMPLETE="elvish" ktk -- $@words) | to-lines
}
