complete --keep-order --exclusive --command ktk --arguments "(KTK_COMPLETE=fish ktk -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
