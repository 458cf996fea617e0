from busybox
coppy a b
